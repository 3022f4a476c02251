package org.ondemandtls.testing;

import org.ondemandtls.OnDemandTls;
import org.ondemandtls.event.EventListener;
import org.ondemandtls.handshake.StaticCertificates;

/**
 * The host of an engine that nobody connects to: no certificates of its own, no plain HTTP.
 *
 * @param eventListener is told of events
 */
public record NoServer(EventListener eventListener) implements OnDemandTls.Host {

    /** One that writes no events. */
    public NoServer() {
        this(event -> {});
    }

    @Override
    public StaticCertificates staticCertificates() {
        return StaticCertificates.NONE;
    }

    @Override
    public boolean answersPlainHttp() {
        return false;
    }
}
