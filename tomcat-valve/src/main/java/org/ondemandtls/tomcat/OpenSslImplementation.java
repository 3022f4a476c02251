package org.ondemandtls.tomcat;

import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.apache.tomcat.util.net.SSLUtil;
import org.apache.tomcat.util.net.jsse.JSSEImplementation;
import org.ondemandtls.handshake.TicketKeys;

/** Tomcat's TLS by OpenSSL, with a context for each name; made by Tomcat, by its name. */
public final class OpenSslImplementation extends JSSEImplementation {

    /** Made by Tomcat. */
    public OpenSslImplementation() {}

    @Override
    public SSLUtil getSSLUtil(SSLHostConfigCertificate certificate) {
        return new OpenSslUtil(certificate, true, TicketKeys.OWN);
    }
}
