package org.ondemandtls.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.name.HttpHosts;
import org.ondemandtls.name.ServerName;

/**
 * Any request over plain HTTP, its parts on lines of their own: method, path, query, host. Only the pending token of the
 * pending host is answered, and with nothing that was sent.
 */
public final class HttpChallengeFuzz {

    private static final ServerName HOST = ServerName.parse("shop.example.com");
    private static final String TOKEN = "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0";
    private static final String PROOF = TOKEN + ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI";
    private static final String PATH = "/.well-known/acme-challenge/" + TOKEN;

    private static final ChallengeBoard BOARD = new ChallengeBoard(Clock.systemUTC());

    static {
        try {
            BOARD.displayHttp(HOST, TOKEN, PROOF);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private HttpChallengeFuzz() {}

    /** Called by Jazzer. */
    public static void fuzzerTestOneInput(byte[] octets) {
        String[] parts = new String(octets, StandardCharsets.ISO_8859_1).split("\n", 4);
        String method = parts[0];
        String path = part(parts, 1);
        String query = part(parts, 2);
        String host = part(parts, 3);
        Optional<String> answer = BOARD.answer(method, path, query, host);
        if (answer.isPresent()) {
            Expect.that(answer.get().equals(PROOF), "something else than the proof");
            Expect.that(PATH.equals(path), "another path is answered");
            Expect.that(query == null, "a query is passed over");
            Expect.that(method.equals("GET") || method.equals("HEAD"), "another method is answered");
            Expect.that(HttpHosts.serverName(host).equals(Optional.of(HOST)), "another host is answered");
        }
        if (host != null) {
            redirect(host, path);
        }
    }

    private static void redirect(String authority, @Nullable String target) {
        String host = HttpHosts.withoutPort(authority);
        Optional<ServerName> name = HttpHosts.serverName(host);
        if (HttpHosts.covered(Set.of(HOST.value(), HOST.wildcard()), host) && name.isPresent()) {
            Expect.that(
                    name.get().equals(HOST) || name.get().wildcard().equals(HOST.wildcard()),
                    "a host is covered that is another name");
        }
        name.flatMap(found -> HttpHosts.httpsLocation(found, 443, target)).ifPresent(location -> {
            Expect.that(location.startsWith("https://" + name.get() + "/"), "it leads to another host");
            Expect.that(location.chars().allMatch(c -> c > ' ' && c < 0x7f), "a header may be split");
        });
    }

    // An empty line stands for a part that the request does not have.
    private static @Nullable String part(String[] parts, int at) {
        return at < parts.length && !parts[at].isEmpty() ? parts[at] : null;
    }
}
