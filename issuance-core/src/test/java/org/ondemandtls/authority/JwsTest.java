package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URL;
import java.security.KeyPair;
import org.jose4j.jws.JsonWebSignature;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.testing.TestCertificates;
import org.shredzone.acme4j.toolbox.JSON;
import org.shredzone.acme4j.toolbox.JSONBuilder;

/** {@link Jws}, read by jose4j. */
class JwsTest {

    @ParameterizedTest
    @EnumSource(
            value = KeyType.class,
            names = {"P_256", "P_384", "RSA_2048"})
    void aSignedRequestSaysWhereItGoesWhoSignedItAndWhat(KeyType type) throws Exception {
        KeyPair key = TestCertificates.key(type);
        URL url = new URL("https://ca.example/order/\"1\"?a=b&c=d");
        URL account = new URL("https://ca.example/account/7");

        JsonWebSignature withPayload = read(key, url, new JSONBuilder().put("csr", "abc_-"), account);
        JsonWebSignature postAsGet = read(key, url, null, account);

        assertThat(withPayload.verifySignature()).isTrue();
        assertThat(withPayload.getPayload()).isEqualTo("{\"csr\":\"abc_-\"}");
        assertThat(withPayload.getKeyIdHeaderValue()).isEqualTo(account.toString());
        assertThat(withPayload.getHeader("url")).isEqualTo(url.toString());
        assertThat(withPayload.getHeader("nonce")).isEqualTo("nonce-1");
        assertThat(postAsGet.verifySignature()).isTrue();
        assertThat(postAsGet.getPayload()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(
            value = KeyType.class,
            names = {"P_256", "P_384", "RSA_2048"})
    void aRequestForAnAccountShowsTheKey(KeyType type) throws Exception {
        KeyPair key = TestCertificates.key(type);

        JsonWebSignature signed = read(key, new URL("https://ca.example/account"), new JSONBuilder(), null);

        assertThat(signed.verifySignature()).isTrue();
        assertThat(signed.getJwkHeader().getKey()).isEqualTo(key.getPublic());
    }

    private static JsonWebSignature read(KeyPair key, URL url, @Nullable JSONBuilder claims, @Nullable URL account)
            throws Exception {
        JSON json = JSON.parse(Jws.sign(url, key, claims, "nonce-1", account));
        JsonWebSignature signature = new JsonWebSignature();
        signature.setCompactSerialization(String.join(
                ".",
                json.get("protected").asString(),
                json.get("payload").asString(),
                json.get("signature").asString()));
        signature.setKey(key.getPublic());
        return signature;
    }
}
