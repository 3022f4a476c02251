package org.ondemandtls.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.ondemandtls.StartException;
import org.springframework.beans.factory.support.DefaultListableBeanFactory;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

/** {@link OnDemandTlsFailureAnalyzer}. */
class OnDemandTlsFailureAnalyzerTest {

    private final OnDemandTlsFailureAnalyzer analyzer = new OnDemandTlsFailureAnalyzer();

    @Test
    void anUnknownKeyIsShownWithTheNearestOne() {
        StandardEnvironment environment = new StandardEnvironment();
        environment
                .getPropertySources()
                .addFirst(new MapPropertySource("given", Map.of("ondemand-tls.permision.ask", "http://localhost/")));
        Throwable failure =
                catchThrowable(() -> Settings.of(environment, new DefaultListableBeanFactory(), () -> name -> true));

        assertThat(analyzer.analyze(new IllegalStateException(failure)))
                .isNotNull()
                .satisfies(shown -> assertThat(shown.getDescription())
                        .contains("onDemandTls.permision.ask")
                        .contains("onDemandTls.permission.ask"));
    }

    @Test
    void aFailureToStartIsShownByItsOneLine() {
        assertThat(analyzer.analyze(new IllegalStateException(new StartException("the store is in use"))))
                .isNotNull()
                .satisfies(shown -> assertThat(shown.getDescription()).contains("the store is in use"));
    }

    @Test
    void whatIsNotOursIsLeftToOthers() {
        assertThat(analyzer.analyze(new IllegalStateException("something else")))
                .isNull();
    }
}
