package org.ondemandtls.command;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What is asked of a running server, by its JSON API: {@code status}, {@code explain NAME}, {@code obtain NAME} and so on. */
final class RemoteCommand {

    /** Those that look. */
    static final Set<String> LOOKS = Set.of("status", "list", "explain", "diagnose", "expiry");
    /** Those that act on one name. */
    static final Set<String> ACTS = Set.of("obtain", "renew", "retry", "withdraw", "revoke", "forget");

    private static final String SERVER = "http://localhost:8080/ondemand-tls/";
    private static final String CONFIRM_DENIALS = "confirm-denials";
    private static final Duration CONNECT = Duration.ofSeconds(10);
    // Revoking and diagnosing ask others.
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int OK = 200;
    private static final int ACCEPTED = 202;
    private static final int CONFLICT = 409;
    // One of several names, and what came of it.
    private static final Pattern OUTCOME = Pattern.compile(
            "\"((?:[^\"\\\\]|\\\\.)*)\":\\{\"done\":(true|false),\"sentence\":\"((?:[^\"\\\\]|\\\\.)*)\"");
    private static final Pattern SENTENCE = Pattern.compile("\"(?:sentence|error)\":\"((?:[^\"\\\\]|\\\\.)*)\"");
    // What may not stand in a query as it is (RFC 3986 section 3.4).
    private static final Pattern UNSAFE = Pattern.compile("%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9._~!$&'()*+,;=:@/?%-]");
    private static final Pattern ESCAPE = Pattern.compile("\\\\(u[0-9a-f]{4}|.)");

    private final Arguments arguments;
    private final PrintStream out;
    private final PrintStream err;

    RemoteCommand(Arguments arguments, PrintStream out, PrintStream err) {
        this.arguments = arguments;
        this.out = out;
        this.err = err;
    }

    /** What may be done with the account at a CA. */
    static final Set<String> ACCOUNT = Set.of("rollover", "deactivate", "register");

    /** What may be done with issuing: all of it, {@code ca URL} or {@code domain NAME}. */
    static final Set<String> ISSUING = Set.of("pause", "resume");

    /** Whether words are one of these commands. */
    static boolean isOne(List<String> words) {
        return words.equals(List.of("status"))
                || words.equals(List.of("expiry"))
                || words.equals(List.of(CONFIRM_DENIALS))
                || ((words.size() == 2 || words.size() == 3) && ISSUING.contains(words.get(0)))
                || (words.size() > 1 && words.get(0).equals("obtain"))
                || ((words.size() == 2 || words.size() == 3)
                        && words.get(0).equals("account")
                        && ACCOUNT.contains(words.get(1)))
                || words.equals(List.of("list"))
                || (words.size() == 2
                        && !words.get(0).equals("status")
                        && !words.get(0).equals("expiry")
                        && (LOOKS.contains(words.get(0)) || ACTS.contains(words.get(0))));
    }

    /** Asks the server; blocks. */
    int run() throws IOException, Arguments.WrongException {
        List<String> words = arguments.words();
        String command = words.get(0);
        if (command.equals("status")) {
            int server = told(exchange("server", false), true);
            int authorities = told(exchange("cas", false), true);
            return Math.max(server, authorities);
        }
        if (command.equals("account")) {
            String ca = words.size() == 3 ? "?ca=" + URLEncoder.encode(words.get(2), UTF_8) : "";
            return told(exchange("account/" + words.get(1) + ca, true), false);
        }
        if (ISSUING.contains(command)) {
            String what = String.join(" ", words.subList(1, words.size()));
            return told(exchange(command + "?what=" + URLEncoder.encode(what, UTF_8), true), false);
        }
        if (command.equals("obtain") && words.size() > 2) {
            String names = String.join("\n", words.subList(1, words.size()));
            return toldOfEach(exchange("obtain", Optional.of(names)));
        }
        if (command.equals("expiry")) {
            return told(exchange(command, false), true);
        }
        if (command.equals(CONFIRM_DENIALS)) {
            return told(exchange(command, true), false);
        }
        if (command.equals("list")) {
            return told(exchange("names?" + (words.size() > 1 ? query(words.get(1)) : ""), false), true);
        }
        String name = "names/" + URLEncoder.encode(words.get(1), UTF_8);
        return switch (command) {
            case "explain" -> told(exchange(name, false), false);
            case "diagnose" -> told(exchange(name + "/diagnosis", false), false);
            case "revoke" ->
                told(
                        exchange(
                                name + "/revoke?reason="
                                        + URLEncoder.encode(
                                                arguments.option("--reason").orElse("unspecified"), UTF_8),
                                true),
                        false);
            default -> told(exchange(name + '/' + command, true), false);
        };
    }

    /** One line for each name; not all is done where one of them is not. */
    private int toldOfEach(HttpResponse<String> answer) {
        Matcher found = OUTCOME.matcher(answer.body());
        if (answer.statusCode() != ACCEPTED) {
            return told(answer, false);
        }
        boolean json = arguments.has("--json");
        boolean all = true;
        while (found.find()) {
            boolean done = found.group(2).equals("true");
            all &= done;
            if (!json) {
                (done ? out : err).println(plain(found.group(1)) + ": " + plain(found.group(3)));
            }
        }
        if (json) {
            out.print(answer.body());
        }
        return all ? Command.DONE : Command.INCOMPLETE;
    }

    private int told(HttpResponse<String> answer, boolean whole) {
        boolean done = answer.statusCode() == OK || answer.statusCode() == ACCEPTED;
        if (done && (whole || arguments.has("--json"))) {
            out.print(answer.body());
            return Command.DONE;
        }
        StringBuilder sentences = new StringBuilder();
        Matcher found = SENTENCE.matcher(answer.body());
        while (found.find()) {
            sentences.append(plain(found.group(1))).append('\n');
        }
        if (sentences.isEmpty()) {
            sentences
                    .append("the server answers HTTP ")
                    .append(answer.statusCode())
                    .append('\n');
        }
        (done ? out : err).print(sentences);
        return done ? Command.DONE : answer.statusCode() == CONFLICT ? Command.INCOMPLETE : Command.FAILED;
    }

    private HttpResponse<String> exchange(String resource, boolean acts) throws IOException, Arguments.WrongException {
        return exchange(resource, acts ? Optional.of("") : Optional.empty());
    }

    /** Exchanges with the server: looks where there is no content, acts otherwise. */
    private HttpResponse<String> exchange(String resource, Optional<String> content)
            throws IOException, Arguments.WrongException {
        String server = arguments.option("--server").orElse(SERVER);
        HttpRequest.Builder request;
        try {
            request = HttpRequest.newBuilder(
                    URI.create((server.endsWith("/") ? server : server + '/') + "api/v1/" + resource));
        } catch (IllegalArgumentException e) {
            throw new Arguments.WrongException("--server is no http or https URL: " + e.getMessage());
        }
        request.timeout(PATIENCE);
        Optional<String> user = arguments.option("--user");
        if (user.isPresent()) {
            String file = arguments
                    .option("--password-file")
                    .orElseThrow(() -> new Arguments.WrongException("--user needs --password-file"));
            String pair = user.get() + ':' + Files.readString(Path.of(file)).strip();
            request.header("Authorization", "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(UTF_8)));
        }
        content.ifPresent(
                text -> request.header("X-OnDemand-TLS", "command").POST(HttpRequest.BodyPublishers.ofString(text)));
        try {
            return HttpClient.newBuilder()
                    .connectTimeout(CONNECT)
                    .build()
                    .send(request.build(), HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new IOException(
                    "no answer from " + server + " (" + e + "): does the server run, and carry the management page?",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("broken off", e);
        }
    }

    private static String query(String typed) {
        return UNSAFE.matcher(typed)
                .replaceAll(match -> URLEncoder.encode(match.group(), UTF_8).replace("+", "%20"));
    }

    private static String plain(String escaped) {
        return ESCAPE.matcher(escaped).replaceAll(match -> {
            String code = match.group(1);
            String character = code.length() > 1 ? Character.toString(Integer.parseInt(code.substring(1), 16)) : code;
            return Matcher.quoteReplacement(character);
        });
    }
}
