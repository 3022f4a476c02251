package org.ondemandtls.tomcat;

import java.util.Set;
import org.apache.coyote.ActionCode;
import org.apache.coyote.Adapter;
import org.apache.coyote.Request;
import org.apache.coyote.Response;
import org.apache.tomcat.util.buf.MessageBytes;
import org.apache.tomcat.util.net.SocketEvent;
import org.apache.tomcat.util.net.SocketWrapperBase;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.name.HttpHosts;

/**
 * Answers 421 to a request whose authority the certificate served on its connection does not cover; all others go on.
 *
 * <p>Stands between the protocol and the container, so that no configuration can leave it out. Of one connection at a
 * time: HTTP/2 makes one for each, an HTTP/1.1 processor has one for all it serves in turn.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-15.5.20">RFC 9110 section 15.5.20</a>
 */
final class HostCheckAdapter implements Adapter {

    private static final int MISDIRECTED_REQUEST = 421;

    private final Adapter adapter;

    // Null where every host is fine. Requests of an HTTP/2 connection are served by many threads.
    private volatile @Nullable Set<String> names;

    /**
     * Stands in front of the container's adapter.
     *
     * @param adapter what serves requests
     */
    HostCheckAdapter(Adapter adapter) {
        this.adapter = adapter;
    }

    /**
     * Turns to a connection.
     *
     * @param connection whose requests come next
     */
    void turnTo(SocketWrapperBase<?> connection) {
        names = connection.getSocket() instanceof GatedChannel channel ? channel.servedNames() : null;
    }

    @Override
    public void service(Request request, Response response) throws Exception {
        Set<String> served = names;
        if (served == null
                || (isFor(served, request.serverName())
                        && isFor(served, request.getMimeHeaders().getValue("host")))) {
            adapter.service(request, response);
            return;
        }
        response.setStatus(MISDIRECTED_REQUEST);
        response.setContentLength(0);
        adapter.log(request, response, 0);
        response.action(ActionCode.CLOSE, null);
    }

    @Override
    public boolean prepare(Request request, Response response) throws Exception {
        return adapter.prepare(request, response);
    }

    @Override
    public boolean asyncDispatch(Request request, Response response, SocketEvent status) throws Exception {
        return adapter.asyncDispatch(request, response, status);
    }

    @Override
    public void log(Request request, Response response, long time) {
        adapter.log(request, response, time);
    }

    @Override
    public void checkRecycled(Request request, Response response) {
        adapter.checkRecycled(request, response);
    }

    @Override
    public String getDomain() {
        return adapter.getDomain();
    }

    private static boolean isFor(Set<String> names, @Nullable MessageBytes authority) {
        if (authority == null || authority.isNull()) {
            return true;
        }
        return HttpHosts.covered(names, HttpHosts.withoutPort(authority.toString()));
    }
}
