package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.shredzone.acme4j.toolbox.JSON;

/** {@link CaProblem}: what a CA says, fit for a log. */
class CaProblemTest {

    @Test
    void namesTheTypeAndTheSubproblems() {
        CaProblem problem = CaProblem.of(JSON.parse("""
            {"type":"urn:ietf:params:acme:error:caa","detail":"no",
             "subproblems":[{"type":"urn:ietf:params:acme:error:dns","detail":"SERVFAIL"}]}
            """));

        assertThat(problem).isEqualTo(CaProblem.of("caa", "no; dns: SERVFAIL"));
    }

    @Test
    void aTypeThatIsNoneIsUnknown() {
        assertThat(CaProblem.of(JSON.parse("{}"))).isEqualTo(CaProblem.of("unknown", "no detail given"));
        assertThat(CaProblem.of(JSON.parse("{\"type\":\"about:blank\",\"title\":\"Oh\"}")))
                .isEqualTo(CaProblem.of("unknown", "Oh"));
        assertThat(CaProblem.of(JSON.parse("{\"type\":\"urn:ietf:params:acme:error:a b\"}"))
                        .type())
                .isEqualTo("unknown");
    }

    @Test
    void saysWhereTheCaLookedIfItTells() {
        CaProblem problem = CaProblem.of("connection", "refused");

        assertThat(problem.seenAt(JSON.parse("""
                        {"validationRecord":[{"hostname":"a.example","port":"80","addressUsed":"192.0.2.7"},
                         {"hostname":"a.example","port":"443","addressUsed":"2001:db8::7"}, {"hostname":"a.example"}]}
                        """)).text())
                .isEqualTo("refused; the CA looked at 192.0.2.7 port 80, then at 2001:db8::7 port 443");
        for (String unreadable : List.of("{}", "{\"validationRecord\":7}", "{\"validationRecord\":[7,null]}")) {
            assertThat(problem.seenAt(JSON.parse(unreadable))).isEqualTo(problem);
        }
    }

    @Test
    void aTypeIsKnownWhateverItsPrefixAndItsCase() {
        for (String type : List.of(
                "urn:ietf:params:acme:error:badCSR",
                "urn:acme:error:badcsr",
                "BadCSR",
                "https://ca.example/e/badCSR")) {
            assertThat(CaProblem.of(JSON.parse("{\"type\":\"" + type + "\"}")).type())
                    .isEqualTo("badCSR");
        }
        assertThat(CaProblem.of(JSON.parse("{\"type\":\"https://ca.example/e/strange\"}"))
                        .type())
                .isEqualTo("unknown");
    }

    @Test
    void ofSeveralReasonsPassesOverThoseThatAreTheCas() {
        CaProblem problem = CaProblem.of(JSON.parse("""
            {"type":"urn:ietf:params:acme:error:compound","detail":"several","subproblems":[{},null,
             {"type":"urn:ietf:params:acme:error:serverInternal","detail":"oops"},
             {"type":"urn:ietf:params:acme:error:dns","detail":"NXDOMAIN"}]}
            """));

        assertThat(problem.type()).isEqualTo("dns");
    }

    @Test
    void ofNoAccountIsToldFromOneThatMayNot() {
        assertThat(CaProblem.of("accountDoesNotExist", "").isOfNoAccount()).isTrue();
        assertThat(CaProblem.of("unauthorized", "No registration exists").isOfNoAccount())
                .isTrue();
        assertThat(CaProblem.of("malformed", "Account \"https://ca/acct/1\" not found")
                        .isOfNoAccount())
                .isTrue();
        assertThat(CaProblem.of("malformed", "unknown kid").isOfNoAccount()).isTrue();
        assertThat(CaProblem.of("unauthorized", "Account is not valid, has status \"deactivated\"")
                        .isOfNoAccount())
                .isFalse();
        assertThat(CaProblem.of("unauthorized", "no account is authorized for it")
                        .isOfNoAccount())
                .isFalse();
        assertThat(CaProblem.of("rejectedIdentifier", "no account may order it").isOfNoAccount())
                .isFalse();
        for (String other : List.of(
                "account 7: order not found",
                "the account is not allowed to order for the unknown domain a.example",
                "a certificate of this account was asked for: certificate not found")) {
            assertThat(CaProblem.of("malformed", other).isOfNoAccount())
                    .as(other)
                    .isFalse();
        }
    }

    @Test
    void aTypeOfAnyLengthIsReadInOneGo() {
        String type = "a".repeat(1_000_000);

        assertThat(CaProblem.of(JSON.parse("{\"type\":\"" + type + "\"}")).type())
                .isEqualTo("unknown");
    }

    @Test
    void isOneLineWithoutAnythingThatIsNotSeen() {
        assertThat(CaProblem.oneLine("a\r\nb\u0000\u001b[31mc\u202ed\u2028e")).isEqualTo("a b [31mc d e");
    }

    @Test
    void isCutAtItsLongest() {
        assertThat(CaProblem.oneLine("x".repeat(CaProblem.LONGEST))).hasSize(CaProblem.LONGEST);
        assertThat(CaProblem.oneLine("x".repeat(CaProblem.LONGEST + 1)))
                .hasSize(CaProblem.LONGEST)
                .endsWith("…");
        assertThat(CaProblem.oneLine("x".repeat(1_000_000))).hasSize(CaProblem.LONGEST);
    }

    @Test
    void losesWhatMustNotBeLogged() {
        CaProblem problem = CaProblem.of("unauthorized", "Invalid response from http://a/abc: 404");

        assertThat(problem.without("abc", "(token)").text()).isEqualTo("Invalid response from http://a/(token): 404");
    }

    @Test
    void ofACompoundTypeIsOfTheTypeOfItsFirstSubproblem() {
        CaProblem problem = CaProblem.of(JSON.parse("""
            {"type":"urn:ietf:params:acme:error:compound","detail":"several",
             "subproblems":[{"type":"urn:ietf:params:acme:error:caa","detail":"CAA forbids"}]}
            """));

        assertThat(problem).isEqualTo(CaProblem.of("caa", "several; caa: CAA forbids"));
    }

    @Test
    void showsWhereTheUserHasToAct() {
        String json =
                "{\"type\":\"urn:ietf:params:acme:error:userActionRequired\",\"detail\":\"new terms\",\"instance\":\"";

        assertThat(CaProblem.of(JSON.parse(json + "https://ca.example/act\"}")).text())
                .isEqualTo("new terms; see https://ca.example/act");
        assertThat(CaProblem.of(JSON.parse(json + "javascript:alert(1)\"}")).text())
                .isEqualTo("new terms");
    }

    @Nested
    class OfAPausedName {

        // What Let's Encrypt's Boulder answers; the token of a real one is as long.
        private final String link =
                "https://portal.letsencrypt.org/sfe/v1/unpause?jwt=" + "eyJhbGciOi.".repeat(60) + "x";
        private final String words = "Your account is temporarily prevented from requesting certificates for"
                + " shop.example.com and possibly others. Please visit: ";

        private Optional<URI> unpause(String detail) {
            return problem(detail).unpause();
        }

        private CaProblem problem(String detail) {
            return CaProblem.of(
                    JSON.parse("{\"type\":\"urn:ietf:params:acme:error:rateLimited\",\"detail\":\"" + detail + "\"}"));
        }

        @Test
        void hasTheWholeLinkAndWordsWithoutIt() {
            assertThat(unpause(words + link)).contains(URI.create(link));
            assertThat(unpause(words + link + ".")).contains(URI.create(link));
            assertThat(unpause(words + "<" + link + ">")).contains(URI.create(link));
            assertThat(problem(words + link).text()).isEqualTo(words + "(link)");
        }

        @Test
        void hasNoLinkThatIsNotHttpsOrNotMeantForIt() {
            assertThat(unpause(words + link.replace("https", "http"))).isEmpty();
            assertThat(unpause(words + "https://letsencrypt.org/docs/")).isEmpty();
            assertThat(unpause(words + "https://user@ca.example/unpause")).isEmpty();
            assertThat(unpause(words + "https:///unpause")).isEmpty();
            assertThat(unpause(words + "https://ca.example/unpause/" + "x".repeat(4096)))
                    .isEmpty();
            assertThat(unpause("too many new orders, see " + link)).isEmpty();
        }

        @Test
        void prefersTheLinkThatResumesIt() {
            assertThat(unpause(words + "https://ca.example/docs or " + link)).contains(URI.create(link));
        }
    }
}
