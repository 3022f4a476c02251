package org.ondemandtls.preflight;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the large content delivery networks write into the answers that pass through them, so that a network is known whose
 * addresses are on no list: it ends TLS in front of a server as the listed ones do.
 *
 * <p>A name's owner can forge all of it, and changes by it nothing but which proof of the name is shown.
 */
final class CdnHeaders {

    /**
     * One mark of a network.
     *
     * @param network its name, as the list of addresses spells it
     * @param header the header, in lower case
     * @param value what its value looks like
     */
    private record Mark(String network, Pattern header, Pattern value) {

        Mark(String network, String header, String value) {
            this(network, Pattern.compile(header), Pattern.compile(value, Pattern.CASE_INSENSITIVE));
        }
    }

    private static final String ANY = ".*";
    private static final String SERVER = "server";
    private static final String VIA = "via";
    private static final String CLOUDFLARE = "Cloudflare";
    private static final String CLOUDFRONT = "CloudFront";
    private static final String FASTLY = "Fastly";
    private static final String AKAMAI = "Akamai";
    private static final String VERCEL = "Vercel";
    private static final String NETLIFY = "Netlify";
    private static final String AZURE = "AzureFrontDoor";
    private static final String BUNNY = "Bunny";
    private static final String IMPERVA = "Imperva";
    private static final String SUCURI = "Sucuri";

    private static final List<Mark> MARKS = List.of(
            new Mark(CLOUDFLARE, "cf-ray", ANY),
            new Mark(CLOUDFLARE, SERVER, "cloudflare(-nginx)?"),
            new Mark(CLOUDFRONT, "x-amz-cf-id", ANY),
            new Mark(CLOUDFRONT, "x-amz-cf-pop", ANY),
            new Mark(CLOUDFRONT, VIA, ".*cloudfront.*"),
            new Mark(CLOUDFRONT, SERVER, "cloudfront"),
            new Mark(FASTLY, "x-fastly-request-id", ANY),
            new Mark(FASTLY, "fastly-restarts", ANY),
            new Mark(FASTLY, "x-served-by", "(.*, *)?cache-[a-z0-9-]+.*"),
            new Mark(AKAMAI, SERVER, "akamai.*"),
            new Mark(AKAMAI, "akamai-grn", ANY),
            new Mark(AKAMAI, "x-akamai-[a-z0-9-]+", ANY),
            new Mark(VERCEL, "x-vercel-id", ANY),
            new Mark(VERCEL, SERVER, "vercel"),
            new Mark(NETLIFY, "x-nf-request-id", ANY),
            new Mark(NETLIFY, SERVER, "netlify"),
            new Mark(AZURE, "x-azure-ref", ANY),
            new Mark(BUNNY, "cdn-pullzone", ANY),
            new Mark(BUNNY, SERVER, "bunnycdn.*"),
            new Mark(IMPERVA, "x-iinfo", ANY),
            new Mark(IMPERVA, "x-cdn", "(imperva|incapsula).*"),
            new Mark(SUCURI, "x-sucuri-id", ANY),
            new Mark(SUCURI, SERVER, "sucuri.*"));

    private CdnHeaders() {}

    /**
     * The network that an answer came through.
     *
     * @param lines the answer's head, its status line first
     * @return its name, empty where none has left a mark
     */
    static Optional<String> network(String[] lines) {
        for (int i = 1; i < lines.length; i++) {
            int colon = lines[i].indexOf(':');
            if (colon > 0) {
                String header = lines[i].substring(0, colon).toLowerCase(Locale.ROOT);
                String value = lines[i].substring(colon + 1).trim();
                for (Mark mark : MARKS) {
                    if (mark.header().matcher(header).matches()
                            && mark.value().matcher(value).matches()) {
                        return Optional.of(mark.network());
                    }
                }
            }
        }
        return Optional.empty();
    }
}
