package org.ondemandtls.spring;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.ondemandtls.config.ConfigKey;
import org.springframework.boot.json.BasicJsonParser;

/** What editors know of the keys. */
class MetadataTest {

    private final String text = text();

    @Test
    void everyKeyIsCompletedAndIsTheKeyItLooksLike() {
        Map<String, String> given = new LinkedHashMap<>();
        names().stream()
                .filter(name -> name.startsWith(Keys.PREFIX + "."))
                .forEach(name -> given.put(name.substring(Keys.PREFIX.length() + 1), "x"));

        Keys keys = Keys.of(given);

        assertThat(keys.server().keySet())
                .containsAll(Stream.of(ConfigKey.values())
                        .filter(key -> key != ConfigKey.PERMISSION_BEAN)
                        .map(ConfigKey::key)
                        .toList());
        assertThat(keys.own().keySet())
                .containsExactlyInAnyOrder(
                        Keys.ENABLED, Keys.PORT, Keys.REDIRECT, Keys.REDIRECT_PORT, Keys.PAGE, Keys.PAGE_PASSWORD);
    }

    @Test
    void noKeyIsThereTwice() {
        assertThat(names()).hasSameSizeAs(new HashSet<>(names()));
    }

    @Test
    void namesAreWrittenAsSpringBootWantsThem() {
        assertThat(names()).allMatch(name -> name.matches("[a-z0-9.-]+"));
        assertThat(text).doesNotContain("onDemandTls.");
    }

    private List<String> names() {
        Map<String, Object> parsed = new BasicJsonParser().parseMap(text);
        assertThat(parsed).containsKeys("groups", "properties", "hints");
        String properties = text.substring(text.indexOf("\"properties\""), text.indexOf("\"hints\""));
        return new ArrayList<>(Pattern.compile("\"name\": \"([^\"]+)\"")
                .matcher(properties)
                .results()
                .map((MatchResult name) -> name.group(1))
                .toList());
    }

    private static String text() {
        try (InputStream file =
                MetadataTest.class.getResourceAsStream("/META-INF/spring-configuration-metadata.json")) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException failed) {
            throw new IllegalStateException(failed);
        }
    }
}
