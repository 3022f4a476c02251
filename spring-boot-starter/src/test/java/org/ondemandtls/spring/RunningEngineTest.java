package org.ondemandtls.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.ondemandtls.OnDemandTls;
import org.ondemandtls.StartException;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.boot.web.embedded.tomcat.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.Ssl;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

/** {@link RunningEngine}: when the engine ends, and what is refused because there would be none. */
class RunningEngineTest {

    private final List<String> told = new ArrayList<>();
    private final GenericApplicationContext application = new GenericApplicationContext();

    @Test
    void theEngineEndsBehindTheWebServerAndBeforeThePoolThatItUses() {
        beans();
        application.refresh();

        application.close();

        assertThat(told)
                .containsExactly("server starts", "server stops", "engine closes", "engine is gone", "pool closes");
    }

    @Test
    void theEngineIsOpenedAgainWithTheApplication() {
        beans();
        application.refresh();

        application.stop();
        application.start();

        assertThat(told)
                .containsExactly("server starts", "server stops", "engine closes", "engine opens", "server starts");
        application.close();
    }

    @Test
    void whereALaterBeanFailsTheEngineIsGoneBeforeThePoolToo() {
        beans();
        application.registerBean("broken", Object.class, () -> {
            throw new IllegalStateException("broken");
        });

        assertThatThrownBy(application::refresh).hasMessageContaining("broken");

        assertThat(told).containsExactly("engine is gone", "pool closes");
    }

    @Test
    void anApplicationThatNoServerServesDoesNotStart() {
        var served =
                new OnDemandTlsAutoConfiguration().onDemandTlsServed(new RunningEngine(), new StandardEnvironment());

        assertThatThrownBy(served::afterSingletonsInstantiated)
                .hasCauseInstanceOf(StartException.class)
                .hasMessageContaining("embedded Tomcat or Jetty")
                .hasMessageContaining("ondemand-tls.enabled=false");
        assertThatThrownBy(
                        new OnDemandTlsReactiveAutoConfiguration().onDemandTlsUnserved()::afterSingletonsInstantiated)
                .hasCauseInstanceOf(StartException.class);
    }

    @Test
    void aTestWithoutAServerMayHaveKeys() {
        StandardEnvironment test = new StandardEnvironment();
        test.getPropertySources()
                .addFirst(new MapPropertySource(
                        "test",
                        Map.of("org.springframework.boot.test.context.SpringBootTestContextBootstrapper", "true")));
        var served = new OnDemandTlsAutoConfiguration().onDemandTlsServed(new RunningEngine(), test);

        assertThatCode(served::afterSingletonsInstantiated).doesNotThrowAnyException();
    }

    @Test
    void httpsOfTheApplicationsOwnIsRefused() {
        TomcatServletWebServerFactory factory = new TomcatServletWebServerFactory();
        assertThatCode(() -> Refusals.serverSsl(factory)).doesNotThrowAnyException();
        Ssl off = new Ssl();
        off.setEnabled(false);
        factory.setSsl(off);
        assertThatCode(() -> Refusals.serverSsl(factory)).doesNotThrowAnyException();

        factory.setSsl(new Ssl());

        assertThatThrownBy(() -> Refusals.serverSsl(factory))
                .hasCauseInstanceOf(StartException.class)
                .hasMessageContaining("server.ssl: remove it");
    }

    // As the settings make the pool before there is an engine.
    private void beans() {
        application.registerBean("pool", DisposableBean.class, () -> () -> told.add("pool closes"));
        application.registerBean("engine", RunningEngine.class, () -> {
            RunningEngine running = new RunningEngine();
            running.isIn(new Told());
            return running;
        });
        application.registerBean("server", WebServer.class, WebServer::new);
    }

    private final class Told implements RunningEngine.Host {

        @Override
        public @Nullable OnDemandTls engine() {
            return null;
        }

        @Override
        public void suspend() {
            told.add("engine closes");
        }

        @Override
        public void resume() {
            told.add("engine opens");
        }

        @Override
        public void discard() {
            told.add("engine is gone");
        }
    }

    /** In the phase of Spring Boot's. */
    private final class WebServer implements SmartLifecycle {

        private boolean running;

        @Override
        public void start() {
            told.add("server starts");
            running = true;
        }

        @Override
        public void stop() {
            told.add("server stops");
            running = false;
        }

        @Override
        public boolean isRunning() {
            return running;
        }

        @Override
        public int getPhase() {
            return DEFAULT_PHASE - 2048;
        }
    }
}
