package org.ondemandtls.spring;

import org.ondemandtls.StartException;
import org.springframework.boot.web.server.AbstractConfigurableWebServerFactory;
import org.springframework.boot.web.server.Ssl;

/** What ends the start of an application whose HTTPS would not be what it says. */
final class Refusals {

    private static final String UNSERVED = "ondemand-tls: needs a servlet application on embedded Tomcat or Jetty;"
            + " set ondemand-tls.enabled=false";

    private Refusals() {}

    /**
     * Refuses HTTPS of the application's own.
     *
     * @param factory what makes the web server
     * @throws IllegalStateException if {@code server.ssl} is set; its cause says what to do
     */
    static void serverSsl(Object factory) {
        if (factory instanceof AbstractConfigurableWebServerFactory known && Ssl.isEnabled(known.getSsl())) {
            throw refused("server.ssl: remove it; HTTPS is served by ondemand-tls.port");
        }
    }

    /** For an application that no server of ours serves; the cause says what to do. */
    static IllegalStateException unserved() {
        return refused(UNSERVED);
    }

    // Where Spring calls us, nothing that is checked may be thrown; its failure analysis looks at causes.
    private static IllegalStateException refused(String what) {
        return new IllegalStateException(what, new StartException(what));
    }
}
