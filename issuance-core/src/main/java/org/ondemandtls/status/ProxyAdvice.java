package org.ondemandtls.status;

/** What is possible, and what is not, for a name behind a CDN that ends TLS. */
final class ProxyAdvice {

    private ProxyAdvice() {}

    /**
     * Says so.
     *
     * @param network the CDN
     * @param shown whether its addresses are shown proofs over TLS before there is a certificate
     * @return the words, without a full stop
     */
    static String of(String network, boolean shown) {
        String known = "its addresses or answers are those of " + network
                + ", which ends TLS in front: only HTTP-01 is tried, and ";
        return shown
                ? known
                        + "port 80 has to reach this server, or port 443 from an address in the list of CDNs"
                        + " (onDemandTls.preflight.cdnRanges); over port 443 a first certificate is possible only"
                        + " where the CDN does not check this server's certificate (\"Full\"); where it does (\"Full"
                        + " (strict)\"), port 443 works only while the certificate before is valid"
                : known + "port 80 has to reach this server; a CDN that comes by HTTPS only cannot fetch the proof of a"
                        + " first certificate (onDemandTls.challenge.throughProxies is false)";
    }
}
