package org.ondemandtls.authority;

import static org.assertj.core.api.Assertions.assertThat;

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
}
