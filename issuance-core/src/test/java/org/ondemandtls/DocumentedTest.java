package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.ondemandtls.config.OnDemandTlsConfig.Issuer;
import org.ondemandtls.event.Figure;
import org.ondemandtls.status.Gauge;
import org.ondemandtls.status.OnDemandTlsMXBean;
import org.ondemandtls.testing.NoServer;
import org.ondemandtls.testing.Tools;

/** What the documents list for operators is what there is: attributes of the MXBean, figures, and events of a recording. */
class DocumentedTest {

    private static final Pattern CODE = Pattern.compile("`([^`]+)`");
    private static final Pattern RECORDED = Pattern.compile("@Name\\(\"([^\"]+)\"\\)");

    @TempDir
    private Path base;

    /** The words in code of the first column of the table that begins with a heading. */
    private static Set<String> listed(String document, String heading) throws IOException {
        List<String> lines = Files.readAllLines(Tools.root().resolve(document));
        int head = lines.indexOf(heading);
        assertThat(head).as(heading).isNotNegative();
        return lines.stream()
                .skip(head + 2L)
                .takeWhile(line -> line.startsWith("|"))
                .map(line -> line.split("\\|", -1)[1])
                .flatMap(cell -> CODE.matcher(cell).results().map(code -> code.group(1)))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void allAttributesOfTheMBeanAreInOperations() throws IOException {
        Set<String> attributes = Arrays.stream(OnDemandTlsMXBean.class.getMethods())
                .map(Method::getName)
                .filter(name -> name.startsWith("get"))
                .map(name -> name.substring("get".length()))
                .collect(Collectors.toCollection(TreeSet::new));

        assertThat(listed("docs/OPERATIONS.md", "| attribute | meaning |")).isEqualTo(attributes);
    }

    @Test
    void allFiguresAreInMonitoring() throws Exception {
        OnDemandTlsSetup setup = OnDemandTls.builder()
                .issuer(Issuer.INTERNAL)
                .set("onDemandTls.permission.names", "*.example.com")
                .build(base);
        try (OnDemandTls engine = OnDemandTls.open(setup, new NoServer())) {
            Set<String> figures = Stream.of(
                            Stream.of("ondemandtls_events_total"),
                            Stream.of(Figure.values()).map(Figure::spelling),
                            engine.status().gauges().stream().map(Gauge::name))
                    .flatMap(names -> names)
                    .collect(Collectors.toCollection(TreeSet::new));

            assertThat(listed("docs/MONITORING.md", "| figure | says |")).isEqualTo(figures);
        }
    }

    @Test
    void allEventsOfARecordingAreInMonitoring() throws IOException {
        String source = Files.readString(
                Tools.root().resolve("issuance-core/src/main/java/org/ondemandtls/event/FlightEvents.java"));
        Set<String> events = RECORDED.matcher(source)
                .results()
                .map((MatchResult name) -> name.group(1))
                .collect(Collectors.toCollection(TreeSet::new));

        assertThat(listed("docs/MONITORING.md", "| event | what |")).isEqualTo(events);
    }
}
