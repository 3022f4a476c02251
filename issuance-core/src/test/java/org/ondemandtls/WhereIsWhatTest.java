package org.ondemandtls;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.ondemandtls.testing.Tools;

/**
 * The list "Where is what" of docs/ARCHITECTURE.md names files that are there, and at least one of every package; a file
 * has one subject, so that a second guess finds it.
 */
class WhereIsWhatTest {

    private static final Path SOURCES = Tools.root().resolve("issuance-core/src/main/java/org/ondemandtls");
    private static final Pattern CLASS = Pattern.compile("`([a-z.]+)\\.([A-Z]\\w+)`");

    @Test
    void everyClassOfTheListIsThere() throws IOException {
        List<Path> files = named().map(name -> SOURCES.resolve(name.replace('.', '/') + ".java"))
                .toList();

        assertThat(files).hasSizeGreaterThanOrEqualTo(15).allMatch(Files::exists);
    }

    @Test
    void everyPackageHasAQuestion() throws IOException {
        Set<String> answered = named().map(name -> name.substring(0, name.indexOf('.')))
                .collect(Collectors.toCollection(TreeSet::new));
        try (Stream<Path> packages = Files.list(SOURCES)) {
            assertThat(packages.filter(Files::isDirectory)
                            .map(directory -> directory.getFileName().toString())
                            .toList())
                    .allMatch(answered::contains);
        }
    }

    @Test
    void noFileOfMainCodeIsLongerThanFiveHundredLines() throws IOException {
        List<Path> longer = new ArrayList<>();
        for (String module : List.of(
                "issuance-core", "jetty-module", "tomcat-valve", "spring-boot-starter", "micrometer", "benchmarks")) {
            Path sources = Tools.root().resolve(module).resolve("src/main/java");
            try (Stream<Path> files = Files.walk(sources)) {
                for (Path file : files.filter(Files::isRegularFile).toList()) {
                    if (Files.readAllLines(file).size() > 500) {
                        longer.add(file);
                    }
                }
            }
        }

        assertThat(longer).isEmpty();
    }

    private static Stream<String> named() throws IOException {
        String text = Files.readString(Tools.root().resolve("docs/ARCHITECTURE.md"));
        String list = text.substring(text.indexOf("## Where is what"), text.indexOf("## Why so"));
        return CLASS.matcher(list).results().map(found -> found.group(1) + "." + found.group(2));
    }
}
