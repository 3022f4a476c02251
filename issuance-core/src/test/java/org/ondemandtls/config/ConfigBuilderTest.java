package org.ondemandtls.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;
import org.ondemandtls.name.ServerName;

/** {@link ConfigBuilder}: the same keys as at every other door. */
class ConfigBuilderTest {

    private static final String HMAC = "A".repeat(43);

    @TempDir
    Path base;

    @Test
    void saysWhatTheKeysSay() throws Exception {
        Path names = Files.writeString(base.resolve("names.txt"), "");
        Map<String, String> keys = new TreeMap<>();
        keys.put("onDemandTls.permission.ask", "http://localhost:9123/check");
        keys.put("onDemandTls.permission.askTimeout", "1500ms");
        keys.put("onDemandTls.permission.names", "a.example.com,*.b.example.com");
        keys.put("onDemandTls.permission.file", "names.txt");
        keys.put("onDemandTls.permission.class", "com.example.Mine");
        keys.put("onDemandTls.permission.rememberGranted", "1h");
        keys.put("onDemandTls.permission.rememberDenied", "2m");
        keys.put("onDemandTls.issuer", "internal");
        keys.put("onDemandTls.acme.directory", "https://localhost:14000/dir");
        keys.put("onDemandTls.acme.email", "ops@example.com");
        keys.put("onDemandTls.acme.eab", "kid:" + HMAC);
        keys.put("onDemandTls.acme.profile", "shortlived");
        keys.put("onDemandTls.acme.challenges", "http-01");
        keys.put("onDemandTls.certificate.key", "RSA-3072");
        keys.put("onDemandTls.store", "certificates");
        keys.put("onDemandTls.handshake.deadline", "10s");
        keys.put("onDemandTls.handshake.parked", "5");
        keys.put("onDemandTls.handshake.helloTimeout", "3s");
        keys.put("onDemandTls.handshake.hostCheck", "false");
        keys.put("onDemandTls.handshake.defaultName", "www.example.com");
        keys.put("onDemandTls.shield.askQueue", "9");

        OnDemandTlsConfig built = OnDemandTlsConfig.builder()
                .permission(p -> p.ask(URI.create("http://localhost:9123/check"))
                        .askTimeout(Duration.ofMillis(1500))
                        .names("a.example.com", "*.b.example.com")
                        .file(names)
                        .className("com.example.Mine")
                        .rememberGranted(Duration.ofHours(1))
                        .rememberDenied(Duration.ofMinutes(2)))
                .issuer(Issuer.INTERNAL)
                .acme(a -> a.directory(URI.create("https://localhost:14000/dir"))
                        .email("ops@example.com")
                        .eab("kid", HMAC)
                        .profile("shortlived")
                        .challenges(ChallengeType.HTTP_01))
                .certificateKey(KeyType.RSA_3072)
                .store(Path.of("certificates"))
                .handshake(h -> h.deadline(Duration.ofSeconds(10))
                        .parked(5)
                        .helloTimeout(Duration.ofSeconds(3))
                        .hostCheck(false)
                        .defaultName(ServerName.parse("www.example.com")))
                .set("onDemandTls.shield.askQueue", "9")
                .build(base);

        assertThat(built).isEqualTo(ConfigReader.read(keys, base));
    }

    @Test
    void takesSeveralCasWithTheirBindings() throws Exception {
        OnDemandTlsConfig built = OnDemandTlsConfig.builder()
                .permission(p -> p.names("a.example.com"))
                .acme(a -> a.directories("letsencrypt", "google").eabs("", "kid:" + HMAC))
                .build(base);

        assertThat(built.acme().directories())
                .extracting(d -> d.alias().orElseThrow())
                .containsExactly("letsencrypt", "google");
        assertThat(built.acme().directories().get(0).eab()).isEmpty();
        assertThat(built.acme().directories().get(1).eab()).isPresent();
    }

    @Test
    void reportsAllMistakesWhenItBuilds() {
        var builder = OnDemandTlsConfig.builder()
                .acme(a -> a.challenges().trustedRoots(Path.of("gone.pem")))
                .handshake(h -> h.deadline(Duration.ofSeconds(-1)).parked(0))
                .set("onDemandTls.handshake.dedline", "1s");

        var thrown = catchThrowableOfType(ConfigException.class, () -> builder.build(base));

        assertThat(thrown.mistakes())
                .satisfiesExactly(
                        m -> assertThat(m).startsWith("onDemandTls.handshake.dedline is not a known key"),
                        m -> assertThat(m).startsWith("no permission source"),
                        m -> assertThat(m).startsWith("onDemandTls.acme.trustedRoots: "),
                        m -> assertThat(m).startsWith("onDemandTls.acme.challenges: "),
                        m -> assertThat(m).startsWith("onDemandTls.handshake.deadline: \"-1s\""),
                        m -> assertThat(m).startsWith("onDemandTls.handshake.parked: \"0\""));
    }

    @Test
    void takesTheBaseItselfAsTheStore() throws ConfigException {
        var config = OnDemandTlsConfig.builder()
                .permission(p -> p.names("a.example.com"))
                .store(Path.of(""))
                .build(base);

        assertThat(config.store().location()).isEqualTo(base.toString());
    }

    @Test
    void replacesWhatWasSaidBefore() throws ConfigException {
        var config = OnDemandTlsConfig.builder()
                .permission(p -> p.names("a.example.com").names("b.example.com"))
                .set("onDemandTls.handshake.parked", "1")
                .handshake(h -> h.parked(2))
                .build(base);

        assertThat(config.permission().names()).extracting(NamePattern::value).containsExactly("b.example.com");
        assertThat(config.handshake().parked()).isEqualTo(2);
    }

    @Test
    void takesNoKeyOfOthers() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> OnDemandTlsConfig.builder().set("jetty.ssl.port", "8443"));
    }
}
