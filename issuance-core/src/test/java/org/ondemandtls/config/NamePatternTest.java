package org.ondemandtls.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.name.ServerName;

/** {@link NamePattern}: one name, or all names one label below a parent. */
class NamePatternTest {

    @ParameterizedTest
    @CsvSource({
        "a.example.com, a.example.com",
        "' A.Example.COM. ', a.example.com",
        "*.example.com, a.example.com",
        "*.EXAMPLE.com., b.example.com",
        "*.bücher.example, a.xn--bcher-kva.example",
        "*.b.example.com, a.b.example.com"
    })
    void matches(String pattern, String name) {
        assertThat(NamePattern.parse(pattern).matches(ServerName.parse(name))).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "a.example.com, b.example.com",
        "a.example.com, a.example.com.test",
        "example.com, a.example.com",
        "*.example.com, example.com",
        "*.example.com, a.b.example.com",
        "*.example.com, a.notexample.com",
        "*.example.com, aexample.com"
    })
    void doesNotMatch(String pattern, String name) {
        assertThat(NamePattern.parse(pattern).matches(ServerName.parse(name))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "*",
                "*.",
                "*.com",
                "com",
                "*.*.example",
                "a.*.example",
                "a*.example",
                "*a.example",
                "**.a.example",
                ".example.com",
                "*..example.com",
                "192.0.2.1",
                "*.2.0.192",
                "a.example,b.example",
                "\0a.example",
                "a.example\0",
                "a .example"
            })
    void whatIsNeitherIsRefused(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NamePattern.parse(text))
                .withMessageNotContaining("example");
    }

    @ParameterizedTest
    @ValueSource(strings = {"A.example", "*.EXAMPLE.com", "a.example.", " a.example", "*.*.a.example"})
    void aPatternIsProofThatItWasChecked(String value) {
        assertThatIllegalArgumentException().isThrownBy(() -> new NamePattern(value));
    }

    @ParameterizedTest
    @CsvSource({"' *.Example.com.', *.example.com", "A.example, a.example"})
    void showsItsCanonicalSpelling(String text, String canonical) {
        assertThat(NamePattern.parse(text)).hasToString(canonical).isEqualTo(new NamePattern(canonical));
    }
}
