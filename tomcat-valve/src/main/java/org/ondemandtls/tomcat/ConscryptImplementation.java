package org.ondemandtls.tomcat;

import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.apache.tomcat.util.net.SSLUtil;
import org.apache.tomcat.util.net.jsse.JSSEImplementation;

/** Tomcat's TLS by the engines of Conscrypt; made by Tomcat, by its name. */
public final class ConscryptImplementation extends JSSEImplementation {

    /** Made by Tomcat. */
    public ConscryptImplementation() {}

    @Override
    public SSLUtil getSSLUtil(SSLHostConfigCertificate certificate) {
        return new ConscryptUtil(certificate, true);
    }
}
