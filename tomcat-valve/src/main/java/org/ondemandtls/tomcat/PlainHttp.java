package org.ondemandtls.tomcat;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.apache.tomcat.util.net.TLSClientHelloExtractor;
import org.apache.tomcat.util.net.TLSClientHelloExtractor.ExtractorResult;

/** Plain HTTP on a port for TLS, as Tomcat tells it and answers it. Pure computation. */
final class PlainHttp {

    /** Tomcat says nothing of fewer octets: a record of TLS has as many before its content. */
    private static final int FEWEST_OCTETS = 5;

    private PlainHttp() {}

    /**
     * Whether octets are too few to tell, and may be the beginning of a request: of what cannot be one nothing more is
     * waited for.
     *
     * @param written the octets, from the beginning to its position
     */
    static boolean mayBegin(ByteBuffer written) {
        if (written.position() >= FEWEST_OCTETS) {
            return false;
        }
        for (int i = 0; i < written.position(); i++) {
            byte octet = written.get(i);
            boolean visible = octet > ' ' && octet < 0x7F;
            if (!visible && octet != '\r' && octet != '\n' && (octet != ' ' || i == 0)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Whether Tomcat would take octets for a request.
     *
     * @param written the octets, from the beginning to its position
     */
    static boolean is(ByteBuffer written) {
        try {
            return new TLSClientHelloExtractor(written).getResult() == ExtractorResult.NON_SECURE;
        } catch (IOException malformed) {
            return false;
        }
    }

    /** What Tomcat answers: status 400, and in words what is wrong. */
    static ByteBuffer answer() {
        return ByteBuffer.wrap(TLSClientHelloExtractor.USE_TLS_RESPONSE).asReadOnlyBuffer();
    }
}
