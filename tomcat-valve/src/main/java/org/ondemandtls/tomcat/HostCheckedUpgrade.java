package org.ondemandtls.tomcat;

import org.apache.coyote.Adapter;
import org.apache.coyote.Processor;
import org.apache.coyote.Request;
import org.apache.coyote.UpgradeProtocol;
import org.apache.coyote.http11.upgrade.InternalHttpUpgradeHandler;
import org.apache.tomcat.util.net.SocketWrapperBase;

/**
 * An upgrade protocol, HTTP/2 most likely, whose connections each get an adapter that knows with which certificate they
 * were served.
 */
final class HostCheckedUpgrade implements UpgradeProtocol {

    private final UpgradeProtocol protocol;
    private final OnDemandEndpoint endpoint;
    private final boolean checks;

    /**
     * Stands for a protocol that was negotiated.
     *
     * @param protocol the user's
     * @param endpoint the connector's
     * @param checks whether hosts are checked
     */
    HostCheckedUpgrade(UpgradeProtocol protocol, OnDemandEndpoint endpoint, boolean checks) {
        this.protocol = protocol;
        this.endpoint = endpoint;
        this.checks = checks;
    }

    @Override
    public Processor getProcessor(SocketWrapperBase<?> connection, Adapter adapter) {
        return protocol.getProcessor(connection, hostCheck(connection, adapter));
    }

    @Override
    public InternalHttpUpgradeHandler getInternalUpgradeHandler(
            SocketWrapperBase<?> connection, Adapter adapter, Request request) {
        return protocol.getInternalUpgradeHandler(connection, hostCheck(connection, adapter), request);
    }

    @Override
    public String getHttpUpgradeName(boolean secure) {
        return protocol.getHttpUpgradeName(secure);
    }

    @Override
    public byte[] getAlpnIdentifier() {
        return protocol.getAlpnIdentifier();
    }

    @Override
    public String getAlpnName() {
        return protocol.getAlpnName();
    }

    @Override
    public boolean accept(Request request) {
        return protocol.accept(request);
    }

    private Adapter hostCheck(SocketWrapperBase<?> connection, Adapter adapter) {
        HostCheckAdapter hostCheck = new HostCheckAdapter(adapter, endpoint, checks);
        hostCheck.turnTo(connection);
        return hostCheck;
    }
}
