package org.ondemandtls.handshake;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.security.NoSuchProviderException;
import java.security.Provider;
import java.security.Security;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.ondemandtls.config.OnDemandTlsConfig;

/** {@link TlsProvider}: whose engines there are, and what is said where they cannot be had. */
class TlsProviderTest {

    private static final String ARCHITECTURE = "os.arch";

    @Test
    void theJdksEnginesAreTheJdks() throws Exception {
        TlsProvider provider = TlsProvider.of(OnDemandTlsConfig.TlsProvider.JDK);

        assertThat(provider.isJdk()).isTrue();
        assertThat(engineOf(provider)).startsWith("sun.security.ssl.");
        assertThatThrownBy(provider::contextSpi).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void conscryptsEnginesAreConscryptsAndNobodyElseInTheJvmGetsThem() throws Exception {
        TlsProvider provider = TlsProvider.of(OnDemandTlsConfig.TlsProvider.CONSCRYPT);

        assertThat(provider.isJdk()).isFalse();
        assertThat(engineOf(provider)).startsWith("org.conscrypt.");
        assertThat(Security.getProviders()).extracting(Provider::getName).doesNotContain("Conscrypt");
        assertThat(SSLContext.getInstance("TLS").getProvider().getName()).isEqualTo("SunJSSE");
    }

    @Test
    void conscryptIsLoadedOnce() throws Exception {
        assertThat(TlsProvider.of(OnDemandTlsConfig.TlsProvider.CONSCRYPT))
                .isSameAs(TlsProvider.of(OnDemandTlsConfig.TlsProvider.CONSCRYPT));
    }

    @Test
    void aMissingJarIsNamedWithItsRemedy() throws Exception {
        assertThat(refusal(jar -> !jar.contains("conscrypt-openjdk")))
                .startsWith("onDemandTls.tls.provider: \"conscrypt\" cannot be used: the jar of Conscrypt is missing")
                .contains("conscrypt-openjdk-uber", "--add-modules=ondemand-tls-conscrypt", "Tomcat: put it into lib")
                .doesNotContain("\n");
    }

    @Test
    void aNativeLibraryThatCannotBeLoadedIsNamedWithItsRemedy() throws Exception {
        String architecture = System.getProperty(ARCHITECTURE);
        System.setProperty(ARCHITECTURE, "sparcv9");
        try {
            assertThat(refusal(jar -> true))
                    .startsWith("onDemandTls.tls.provider: \"conscrypt\" cannot be used: the native library")
                    .contains("glibc", "-Dorg.conscrypt.native.workdir=DIRECTORY", "write jdk")
                    .doesNotContain("\n");
        } finally {
            System.setProperty(ARCHITECTURE, architecture);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 99, true", "2, 5, true", "2, 8, true", "2, 9, false", "2, 10, false", "3, 0, false"})
    void whatIsOlderThanWasTriedIsTooOld(int major, int minor, boolean tooOld) {
        assertThat(ConscryptLibrary.isTooOld(major, minor)).isEqualTo(tooOld);
    }

    private static String engineOf(TlsProvider provider) throws Exception {
        SSLContext context = provider.context();
        context.init(new KeyManager[0], new TrustManager[0], null);
        return context.createSSLEngine().getClass().getName();
    }

    // In classes of its own, loaded from some of the jars of this JVM.
    private static String refusal(Predicate<String> jars) throws Exception {
        List<URL> urls = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (jars.test(entry)) {
                urls.add(Path.of(entry).toUri().toURL());
            }
        }
        try (var loader = new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
            Class<?> choices = loader.loadClass(OnDemandTlsConfig.TlsProvider.class.getName());
            Object conscrypt = choices.getEnumConstants()[OnDemandTlsConfig.TlsProvider.CONSCRYPT.ordinal()];
            loader.loadClass(TlsProvider.class.getName())
                    .getMethod("of", choices)
                    .invoke(null, conscrypt);
            throw new AssertionError("it could be loaded");
        } catch (InvocationTargetException refused) {
            assertThat(refused.getCause()).isInstanceOf(NoSuchProviderException.class);
            return refused.getCause().getMessage();
        }
    }
}
