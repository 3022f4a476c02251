package org.ondemandtls.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;
import org.ondemandtls.certificate.InvalidPemException;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.testing.FaultyAcmeProxy.Answer;
import org.ondemandtls.testing.FaultyAcmeProxy.Fault;

/** Shapes of CA answers from public trouble reports that a first visit survives, for {@link FaultyAcmeProxy} before a CA. */
public final class CaShapes {

    /** What the path of a new order contains. */
    public static final String NEW_ORDER = "/order-plz";

    /** What the paths of an order contain, in its order; the directory and nonces first. */
    public static final List<String> STEPS =
            List.of("/dir", "/nonce-plz", NEW_ORDER, "/authZ/", "/chalZ/", "/finalize-order/", "/my-order/", "/certZ/");

    private static final Map<String, String> HTML = Map.of("content-type", "text/html");
    private static final int ALWAYS = Integer.MAX_VALUE;

    /**
     * One shape.
     *
     * @param word what it is called in a failed test
     * @param step what the paths contain whose answers have it
     * @param times how many answers have it
     * @param fault what makes it
     */
    public record Shape(String word, String step, int times, Fault fault) {

        /** Puts it in force. */
        public void in(FaultyAcmeProxy proxy) {
            if (times == ALWAYS) {
                proxy.when(FaultyAcmeProxy.path(step), fault);
            } else {
                proxy.first(times, FaultyAcmeProxy.path(step), fault);
            }
        }

        @Override
        public String toString() {
            return word + " at " + step;
        }
    }

    private CaShapes() {}

    /** Faults of one answer at each step, which cost two orders at most. */
    public static List<Shape> passing() {
        List<Shape> all = new ArrayList<>();
        for (String step : STEPS) {
            all.add(once("reset", step, FaultyAcmeProxy.reset()));
            all.add(once("lost answer", step, FaultyAcmeProxy.lostAnswer()));
            all.add(once("cut off", step, FaultyAcmeProxy.truncate()));
            all.add(once("HTML 500", step, FaultyAcmeProxy.status(500, HTML)));
            all.add(once("HTML 502", step, FaultyAcmeProxy.status(502, HTML)));
            all.add(once(
                    "problem 500", step, withoutNonce(FaultyAcmeProxy.problem(500, "serverInternal", "oops", null))));
            all.add(once("429", step, withoutNonce(FaultyAcmeProxy.problem(429, "rateLimited", "slow down", "1"))));
            all.add(once("unreadable", step, FaultyAcmeProxy.body("<html>".getBytes(StandardCharsets.UTF_8))));
        }
        for (String step : List.of("/authZ/", "/finalize-order/", "/certZ/")) {
            all.add(once("two megabytes of HTML", step, huge()));
            all.add(once("gzip that is none", step, FaultyAcmeProxy.header("content-encoding", "gzip")));
            all.add(once("an empty 200", step, FaultyAcmeProxy.body(new byte[0])));
        }
        for (String step : List.of("/authZ/", "/chalZ/", "/finalize-order/", "/my-order/", "/certZ/")) {
            all.add(once(
                    "not found yet", step, withoutNonce(FaultyAcmeProxy.problem(404, "malformed", "no such", null))));
        }
        for (String step : STEPS) {
            all.add(once("HTML 403", step, FaultyAcmeProxy.status(403, HTML)));
            all.add(once("HTML 421", step, FaultyAcmeProxy.status(421, HTML)));
            all.add(once("HTML 525", step, FaultyAcmeProxy.status(525, HTML)));
            all.add(once("a redirect to a login", step, elsewhere()));
            all.add(once("429 that says nothing", step, FaultyAcmeProxy.status(429, HTML)));
        }
        all.add(new Shape("seconds of HTML 502", "/my-order/", 7, FaultyAcmeProxy.status(502, HTML)));
        all.add(new Shape("a certificate that is late", "/certZ/", 5, FaultyAcmeProxy.status(202, Map.of())));
        all.add(new Shape("a certificate not found yet", "/certZ/", 5, FaultyAcmeProxy.status(404, HTML)));
        all.add(once("HTML 404", "/certZ/", FaultyAcmeProxy.status(404, HTML)));
        all.add(once(
                "not ready yet",
                "/finalize-order/",
                withoutNonce(FaultyAcmeProxy.problem(403, "orderNotReady", "wait", null))));
        return all;
    }

    /** What a CA does with all of its answers, and costs one order. */
    public static List<Shape> lasting() {
        List<Shape> all = new ArrayList<>(List.of(
                always("202 for a new order", NEW_ORDER, answered(202)),
                always("200 for a new order", NEW_ORDER, answered(200)),
                always("202 for finalize", "/finalize-order/", answered(202)),
                always("compressed answers", "/", gzip()),
                always("words around the blocks", "/certZ/", text("subject=CN=shop\n", "issuer=CN=ca  \r\n")),
                always("CRLF and spaces", "/certZ/", FaultyAcmeProxy.replace("\n", " \r\n")),
                always("glued blocks", "/certZ/", FaultyAcmeProxy.replace("-----\n-----", "----------")),
                always("a duplicate", "/certZ/", duplicated()),
                always("wrong order", "/certZ/", reversed()),
                always("another type for a chain", "/certZ/", FaultyAcmeProxy.header("content-type", "text/plain")),
                always(
                        "renewalInfo elsewhere",
                        "/dir",
                        FaultyAcmeProxy.replace(
                                "\"renewalInfo\": \"https://localhost", "\"renewalInfo\": \"https://ari.ca.example")),
                always("no nonce with any answer", "Z/", withoutNonce((request, ca) -> ca.ask())),
                always("nonces that are none", "Z/", FaultyAcmeProxy.header("replay-nonce", "n o n e")),
                always("JSON called text", "/", FaultyAcmeProxy.header("content-type", "text/plain")),
                always("a byte order mark", "/authZ/", marked()),
                always("an order's relative URL", NEW_ORDER, relativeLocation()),
                always("relative URLs", "/", relativeUrls()),
                always("a nonce by GET only", "/nonce-plz", onlyGet()),
                always("a status in another case", "Z/", FaultyAcmeProxy.replace("\"valid\"", "\"Valid\"")),
                always("nothing said when told of a proof", "/chalZ/", silent()),
                always("nothing said to finalize", "/finalize-order/", silent()),
                always(
                        "another chain that is none",
                        "/certZ/",
                        FaultyAcmeProxy.header("link", "<[>;rel=\"alternate\"")),
                always("a certificate of somebody else", "/certZ/", stranger()),
                always("a relative link", "/certZ/", FaultyAcmeProxy.header("link", "</up>;rel=\"up\"")),
                always(
                        "names in upper case",
                        "Z/",
                        FaultyAcmeProxy.replace("customer.example\"", "CUSTOMER.EXAMPLE\"")),
                always("a kind of proof nobody knows", "/authZ/", unknownChallenge()),
                always(
                        "a date that is none",
                        "order",
                        FaultyAcmeProxy.replace("\"expires\": \"", "\"expires\": \"soon ")),
                always("answers octet by octet", "/finalize-order/", FaultyAcmeProxy.trickle(Duration.ofMillis(1)))));
        for (String wait : List.of(
                "86400",
                "Wed, 21 Oct 2015 07:28:00 GMT",
                "-5",
                "soon",
                "99999999999999999999",
                "Wed, 21 Oct 2099 07:28:00 GMT")) {
            all.add(always("Retry-After: " + wait, "/authZ/", FaultyAcmeProxy.header("retry-after", wait)));
            all.add(always("Retry-After: " + wait, "order/", FaultyAcmeProxy.header("retry-after", wait)));
        }
        return all;
    }

    private static Shape once(String word, String step, Fault fault) {
        return new Shape(word, step, 1, fault);
    }

    private static Shape always(String word, String step, Fault fault) {
        return new Shape(word, step, ALWAYS, fault);
    }

    /** The same without a nonce: the proxy's own is none of the CA's, and would cost a request more. */
    public static Fault withoutNonce(Fault fault) {
        return (request, ca) -> {
            Answer answer = fault.answer(request, ca);
            Map<String, List<String>> headers = new TreeMap<>(answer.headers());
            headers.remove("replay-nonce");
            return new Answer(answer.status(), headers, answer.body());
        };
    }

    /** The chain with its certificates the other way round. */
    public static Fault reversed() {
        return (request, ca) -> {
            Answer answer = ca.ask();
            try {
                List<X509Certificate> chain = Pem.readCertificates(answer.text());
                return answer.withBody(
                        Pem.certificates(List.of(chain.get(1), chain.get(0))).getBytes(StandardCharsets.US_ASCII));
            } catch (InvalidPemException e) {
                throw new IOException(e);
            }
        };
    }

    private static Fault answered(int status) {
        return (request, ca) -> {
            Answer answer = ca.ask();
            return new Answer(status, answer.headers(), answer.body());
        };
    }

    private static Fault marked() {
        return (request, ca) -> {
            Answer answer = ca.ask();
            return answer.withBody(("\uFEFF" + answer.text()).getBytes(StandardCharsets.UTF_8));
        };
    }

    private static Fault huge() {
        return (request, ca) -> new Answer(
                500,
                Map.of("content-type", List.of("text/html")),
                "<p>oops</p>".repeat(200_000).getBytes(StandardCharsets.US_ASCII));
    }

    // As a CA behind something that rewrites nothing, or does it wrong.
    private static Fault relativeUrls() {
        return (request, ca) -> {
            Answer answer = ca.ask();
            return answer.withBody(answer.text()
                    .replaceAll("\"https://localhost:[0-9]+/", "\"/")
                    .getBytes(StandardCharsets.UTF_8));
        };
    }

    private static Fault onlyGet() {
        return (request, ca) -> request.method().equals("HEAD") ? new Answer(405, Map.of(), new byte[0]) : ca.ask();
    }

    private static Fault silent() {
        return (request, ca) -> {
            Answer answer = ca.ask();
            return new Answer(204, answer.headers(), new byte[0]);
        };
    }

    private static Fault elsewhere() {
        return (request, ca) -> {
            // The directory's own move is told, with where to.
            if (request.path().contains("/dir")) {
                return ca.ask();
            }
            return new Answer(302, Map.of("location", List.of("https://login.example/")), new byte[0]);
        };
    }

    private static Fault stranger() {
        return (request, ca) -> {
            Answer answer = ca.ask();
            X509Certificate other = TestCertificates.authority(
                            TestCertificates.key(), Clock.systemUTC().instant(), "Stranger")
                    .signedBy("Nobody", TestCertificates.key());
            return answer.withBody((answer.text() + Pem.certificates(List.of(other))).getBytes(StandardCharsets.UTF_8));
        };
    }

    private static Fault relativeLocation() {
        return (request, ca) -> {
            Answer answer = ca.ask();
            Map<String, List<String>> headers = new TreeMap<>(answer.headers());
            headers.computeIfPresent(
                    "location", (name, values) -> List.of(values.get(0).replaceFirst("https://[^/]*", "")));
            return new Answer(answer.status(), headers, answer.body());
        };
    }

    private static Fault unknownChallenge() {
        return (request, ca) -> {
            Answer answer = ca.ask();
            return answer.withBody(answer.text()
                    .replaceFirst(
                            "\"challenges\":\\s*\\[",
                            "\"challenges\": [{\"type\": \"smoke-01\", \"status\": \"pending\", \"url\":"
                                    + " \"https://localhost/smoke\", \"signals\": [1, {\"color\": null}]},")
                    .getBytes(StandardCharsets.UTF_8));
        };
    }

    private static Fault text(String before, String after) {
        return (request, ca) -> {
            Answer answer = ca.ask();
            String blocks = answer.text().replace("-----BEGIN", before + "-----BEGIN");
            return answer.withBody((blocks + after).getBytes(StandardCharsets.UTF_8));
        };
    }

    private static Fault duplicated() {
        return (request, ca) -> {
            Answer answer = ca.ask();
            String text = answer.text();
            return answer.withBody(
                    (text + text.substring(text.lastIndexOf("-----BEGIN"))).getBytes(StandardCharsets.UTF_8));
        };
    }

    private static Fault gzip() {
        return (request, ca) -> {
            Answer answer = ca.ask();
            if (answer.body().length == 0) {
                return answer;
            }
            ByteArrayOutputStream packed = new ByteArrayOutputStream();
            try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
                out.write(answer.body());
            }
            Map<String, List<String>> headers = new TreeMap<>(answer.headers());
            headers.put("content-encoding", List.of("gzip"));
            return new Answer(answer.status(), headers, packed.toByteArray());
        };
    }
}
