package org.ondemandtls.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.testing.ManualTime;

/** {@code status}, {@code explain} and so on, asked of a server. */
class RemoteCommandTest {

    private final ManualTime time = new ManualTime();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final List<String> contents = Collections.synchronizedList(new ArrayList<>());
    private final List<String> asked = Collections.synchronizedList(new ArrayList<>());

    @TempDir
    private Path directory;

    private HttpServer server;
    private int status = 200;
    private String body = "{}";

    @BeforeEach
    void open() throws Exception {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            asked.add(exchange.getRequestMethod() + " " + exchange.getRequestURI() + " "
                    + exchange.getRequestHeaders().getFirst("Authorization") + " "
                    + exchange.getRequestHeaders().getFirst("X-OnDemand-TLS"));
            contents.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
            byte[] content = body.getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, content.length);
            exchange.getResponseBody().write(content);
            exchange.close();
        });
        server.start();
        Files.writeString(directory.resolve("password"), "secret\n");
    }

    @AfterEach
    void close() {
        server.stop(0);
    }

    private int run(String... words) {
        List<String> line = new ArrayList<>(List.of(words));
        line.addAll(List.of(
                "--server",
                "http://localhost:" + server.getAddress().getPort() + "/ondemand-tls",
                "--user",
                "operator",
                "--password-file",
                directory.resolve("password").toString()));
        PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
        return new Command(time.machine(), print, print).run(line.toArray(new String[0]));
    }

    private String said() {
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aNameIsExplainedInASentence() {
        body = "{\"name\":\"a.example\",\"sentence\":\"Served \\\"now\\\" \\u003e here.\"}";

        assertThat(run("explain", "a.example")).isEqualTo(Command.DONE);

        assertThat(said()).isEqualTo("Served \"now\" > here.\n");
        assertThat(asked).containsExactly("GET /ondemand-tls/api/v1/names/a.example Basic b3BlcmF0b3I6c2VjcmV0 null");
    }

    @Test
    void aDiagnosisHasALineForEachFinding() {
        body = "{\"sentence\":\"One.\",\"findings\":[{\"sentence\":\"Two.\"}]}";

        assertThat(run("diagnose", "a.example")).isEqualTo(Command.DONE);

        assertThat(said()).isEqualTo("One.\nTwo.\n");
    }

    @Test
    void aCommandIsGivenWithTheHeaderThatItNeeds() {
        status = 202;
        body = "{\"done\":true,\"sentence\":\"a.example is withdrawn\"}";

        assertThat(run("withdraw", "a.example")).isEqualTo(Command.DONE);
        assertThat(run("revoke", "a.example", "--reason", "keyCompromise")).isEqualTo(Command.DONE);

        assertThat(asked.get(0))
                .startsWith("POST /ondemand-tls/api/v1/names/a.example/withdraw ")
                .endsWith(" command");
        assertThat(asked.get(1)).startsWith("POST /ondemand-tls/api/v1/names/a.example/revoke?reason=keyCompromise ");
    }

    @Test
    void theAccountOfTheOnlyOrOfANamedCaIsChanged() {
        status = 202;
        body = "{\"done\":true,\"sentence\":\"the account has another key\"}";

        assertThat(run("account", "rollover")).isEqualTo(Command.DONE);
        assertThat(run("account", "deactivate", "https://ca.example/dir?a=b")).isEqualTo(Command.DONE);

        assertThat(asked.get(0))
                .startsWith("POST /ondemand-tls/api/v1/account/rollover ")
                .endsWith(" command");
        assertThat(asked.get(1))
                .startsWith("POST /ondemand-tls/api/v1/account/deactivate?ca=https%3A%2F%2Fca.example%2Fdir%3Fa%3Db ");
        assertThat(said()).startsWith("the account has another key\n");
        assertThat(run("account", "burn")).isEqualTo(Command.FAILED);
    }

    @Test
    void issuingIsPausedAndResumed() {
        status = 202;
        body = "{\"done\":true,\"sentence\":\"issuing is paused: all\"}";

        assertThat(run("pause", "all")).isEqualTo(Command.DONE);
        assertThat(run("resume", "domain", "example.com")).isEqualTo(Command.DONE);

        assertThat(asked.get(0)).startsWith("POST /ondemand-tls/api/v1/pause?what=all ");
        assertThat(asked.get(1)).startsWith("POST /ondemand-tls/api/v1/resume?what=domain+example.com ");
        assertThat(run("pause")).isEqualTo(Command.FAILED);
    }

    @Test
    void severalNamesAreObtainedAtOnce() {
        status = 202;
        body = "{\"names\":{\"a.example\":{\"done\":true,\"sentence\":\"a.example is served already\"},"
                + "\"b.example\":{\"done\":true,\"sentence\":\"b.example is being obtained\"}}}";

        assertThat(run("obtain", "a.example", "b.example")).isEqualTo(Command.DONE);

        assertThat(asked).singleElement().asString().startsWith("POST /ondemand-tls/api/v1/obtain ");
        assertThat(contents).containsExactly("a.example\nb.example");
        assertThat(said())
                .isEqualTo("a.example: a.example is served already\nb.example: b.example is being obtained\n");
    }

    @Test
    void ofSeveralNamesOneThatIsNotObtainedIsToldByTheStatus() {
        status = 202;
        body = "{\"names\":{\"a.example\":{\"done\":true,\"sentence\":\"a.example is served already\"},"
                + "\"b.example\":{\"done\":false,\"sentence\":\"not obtained: \\\"denied\\\"\"}}}";

        assertThat(run("obtain", "a.example", "b.example")).isEqualTo(Command.INCOMPLETE);
        assertThat(said()).isEqualTo("a.example: a.example is served already\nb.example: not obtained: \"denied\"\n");
        assertThat(run("obtain", "a.example", "b.example", "--json")).isEqualTo(Command.INCOMPLETE);
        assertThat(said()).endsWith(body);

        status = 400;
        body = "{\"error\":\"not a DNS host name (7 characters)\"}";
        assertThat(run("obtain", "no_name", "b.example")).isEqualTo(Command.FAILED);
    }

    @Test
    void expiryIsShownAndDenialsAreConfirmed() {
        body = "{\"days\":{\"30\":2}}\n";
        assertThat(run("expiry")).isEqualTo(Command.DONE);
        assertThat(said()).isEqualTo(body);

        status = 202;
        body = "{\"sentence\":\"the denials are taken as meant\"}";
        assertThat(run("confirm-denials")).isEqualTo(Command.DONE);

        assertThat(said()).endsWith("the denials are taken as meant\n");
        assertThat(asked.get(0)).startsWith("GET /ondemand-tls/api/v1/expiry ");
        assertThat(asked.get(1))
                .startsWith("POST /ondemand-tls/api/v1/confirm-denials ")
                .endsWith(" command");
        assertThat(run("expiry", "a.example")).isEqualTo(Command.FAILED);
    }

    @Test
    void theWholeAnswerIsPrintedWhereItIsWanted() {
        body = "{\"name\":\"a.example\",\"sentence\":\"Served.\"}\n";

        assertThat(run("explain", "a.example", "--json")).isEqualTo(Command.DONE);

        assertThat(said()).isEqualTo(body);
    }

    @Test
    void whatWasNotDoneIsToldByTheStatus() {
        status = 409;
        body = "{\"done\":false,\"sentence\":\"a.example has no certificate\"}";
        assertThat(run("renew", "a.example")).isEqualTo(Command.INCOMPLETE);

        status = 401;
        body = "{\"error\":\"log in as a user of the server\"}";
        assertThat(run("status")).isEqualTo(Command.FAILED);

        status = 500;
        body = "";
        assertThat(run("obtain", "a.example")).isEqualTo(Command.FAILED);
        assertThat(said())
                .contains("a.example has no certificate\n")
                .contains("log in as a user of the server\n")
                .endsWith("the server answers HTTP 500\n");
    }

    @Test
    void theStatusIsTheServersAnswer() {
        body = "{\"version\":\"1\"}\n";

        assertThat(run("status")).isEqualTo(Command.DONE);

        assertThat(said()).isEqualTo(body + body);
    }

    @Test
    void aListIsAskedForByWhateverWasTyped() {
        assertThat(run("list", "state=a b&name=%41&more=100%#ä")).as(said()).isEqualTo(Command.DONE);

        assertThat(asked)
                .singleElement()
                .asString()
                .startsWith("GET /ondemand-tls/api/v1/names?" + "state=a%20b&name=%41&more=100%25%23%C3%A4 ");
    }

    @Test
    void aServerThatIsNotThereIsNamed() {
        server.stop(0);

        assertThat(run("explain", "a.example")).isEqualTo(Command.FAILED);

        assertThat(said()).contains("no answer from http://localhost:").contains("does the server run");
    }
}
