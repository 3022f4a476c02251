package org.ondemandtls.authority;

import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.interfaces.ECPrivateKey;
import java.util.Base64;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.Ecdsa;
import org.shredzone.acme4j.toolbox.JSONBuilder;
import org.shredzone.acme4j.toolbox.JoseUtils;

/**
 * Signs requests to a CA.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8555#section-6.2">RFC 8555 section 6.2</a>
 */
final class Jws {

    private static final Base64.Encoder BASE64_URL = Base64.getUrlEncoder().withoutPadding();

    private Jws() {}

    /**
     * A request in the flattened JSON form.
     *
     * @param url where it is sent to
     * @param key the account's
     * @param claims the payload, null for POST-as-GET
     * @param nonce one the CA has given, used up by this
     * @param account the account's URL, null where the CA is told the key instead
     */
    static String sign(URL url, KeyPair key, @Nullable JSONBuilder claims, String nonce, @Nullable URL account) {
        // What an order consists of; signed here because it is several times as fast.
        if (account != null && key.getPrivate() instanceof ECPrivateKey ec && Ecdsa.isP256(ec)) {
            return es256(url, ec, claims, nonce, account);
        }
        return JoseUtils.createJoseRequest(url, key, claims, nonce, account == null ? null : account.toString())
                .toString();
    }

    private static String es256(URL url, ECPrivateKey key, @Nullable JSONBuilder claims, String nonce, URL account) {
        JSONBuilder header = new JSONBuilder();
        header.put("alg", "ES256");
        header.put("kid", account.toString());
        header.put("nonce", nonce);
        header.put("url", url.toString());
        String signed = base64(header.toString()) + '.' + (claims == null ? "" : base64(claims.toString()));
        String signature = BASE64_URL.encodeToString(Ecdsa.signP256(key, signed.getBytes(StandardCharsets.US_ASCII)));
        int dot = signed.indexOf('.');
        return "{\"protected\":\"" + signed.substring(0, dot) + "\",\"payload\":\"" + signed.substring(dot + 1)
                + "\",\"signature\":\"" + signature + "\"}";
    }

    private static String base64(String text) {
        return BASE64_URL.encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
