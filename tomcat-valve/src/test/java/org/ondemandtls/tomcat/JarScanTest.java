package org.ondemandtls.tomcat;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** {@link JarScan}: the drop-in jar joins the list of what Tomcat does not search, and nothing else does. */
class JarScanTest {

    private static final String JAR = "ondemand-tls-tomcat-1.0.0-all.jar";

    @Test
    void theDropInIsKnownByItsName() {
        assertThat(JarScan.dropIn("/srv/tomcat/lib/" + JAR)).contains(JAR);
    }

    @Test
    void whoEmbedsKeepsTheListAsItIs() {
        assertThat(JarScan.dropIn("/app/lib/ondemand-tls-tomcat-1.0.0.jar")).isEmpty();
        assertThat(JarScan.dropIn("/app/classes/")).isEmpty();
        assertThat(JarScan.dropIn("")).isEmpty();
    }

    @Test
    void theJarStandsBehindWhatIsThere() {
        assertThat(JarScan.with("annotations-api.jar,tomcat-i18n-*.jar", JAR))
                .isEqualTo("annotations-api.jar,tomcat-i18n-*.jar," + JAR);
    }

    @Test
    void theJarIsListedOnce() {
        assertThat(JarScan.with("a.jar, " + JAR + ",b.jar", JAR)).isEqualTo("a.jar, " + JAR + ",b.jar");
    }

    @Test
    void anEmptyListHoldsTheJarAlone() {
        assertThat(JarScan.with(null, JAR)).isEqualTo(JAR);
        assertThat(JarScan.with(" ", JAR)).isEqualTo(JAR);
    }
}
