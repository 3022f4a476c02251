package org.ondemandtls.tomcat;

import java.io.IOException;
import org.apache.coyote.http11.AbstractHttp11Protocol;
import org.apache.coyote.http11.Http11Processor;
import org.apache.tomcat.util.net.AbstractEndpoint.Handler.SocketState;
import org.apache.tomcat.util.net.SocketWrapperBase;

/** Tomcat's HTTP/1.1 processor, whose adapter knows with which certificate the connection at hand was served. */
final class HostCheckedProcessor extends Http11Processor {

    private final HostCheckAdapter hostCheck;

    /**
     * Serves one connection after another.
     *
     * @param protocol the connector's
     * @param hostCheck this processor's own
     */
    HostCheckedProcessor(AbstractHttp11Protocol<?> protocol, HostCheckAdapter hostCheck) {
        super(protocol, hostCheck);
        this.hostCheck = hostCheck;
    }

    @Override
    public SocketState service(SocketWrapperBase<?> connection) throws IOException {
        hostCheck.turnTo(connection);
        return super.service(connection);
    }
}
