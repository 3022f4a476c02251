package org.ondemandtls.prose;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.ondemandtls.testing.Tools;

/** Operators read the documents at night: no sentence has more than thirty words. */
class SentencesTest {

    private static final int MOST_WORDS = 30;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "README.md",
                "docs/CONFIGURATION.md",
                "docs/OPERATIONS.md",
                "docs/DEPLOYMENT.md",
                "docs/SPRING-BOOT.md",
                "docs/MOVING.md",
                "docs/MONITORING.md"
            })
    void noSentenceOfADocumentHasMoreThanThirtyWords(String document) throws IOException {
        List<String> sentences = Sentences.of(Files.readString(Tools.root().resolve(document)));

        assertThat(sentences).hasSizeGreaterThan(50);
        assertThat(sentences.stream()
                        .filter(sentence -> Sentences.words(sentence) > MOST_WORDS)
                        .toList())
                .isEmpty();
    }

    @Test
    void blocksOfCodeAndCommentsAreNoSentences() {
        assertThat(Sentences.of("One.\n```\nnot this\n```\n<!-- nor\nthis -->\nTwo\nlines. Three!"))
                .containsExactly("One.", "Two lines.", "Three!");
    }

    @Test
    void codeWithinALineIsOneWord() {
        assertThat(Sentences.of("Set `a b c. d` here.")).containsExactly("Set CODE here.");
        assertThat(Sentences.words("Set CODE here.")).isEqualTo(3);
    }

    @Test
    void headingsItemsAndCellsStandAlone() {
        assertThat(Sentences.of("# Title\ntext\n* first\n  goes on\n* second\n| a | b. c |\n|---|---|"))
                .containsExactly("Title", "text", "first goes on", "second", "a", "b.", "c");
    }

    @Test
    void aLinkIsItsWords() {
        assertThat(Sentences.of("See [the list](https://list.example/a. b).")).containsExactly("See the list.");
    }

    @Test
    void dashesAreNoWords() {
        assertThat(Sentences.words("one – two → 3")).isEqualTo(3);
    }
}
