package org.ondemandtls.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The inputs fuzzing begins with, and those it once failed on. */
class FuzzTest {

    private static final Path INPUTS = Path.of("src/test/fuzz");

    static List<Path> inputs() throws IOException {
        try (Stream<Path> files = Files.walk(INPUTS)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("inputs")
    void whatIsKeptOfEarlierRunsIsHandled(Path input) throws IOException {
        byte[] octets = Files.readAllBytes(input);
        switch (input.getParent().getFileName().toString()) {
            case "ClientHelloFuzz" -> ClientHelloFuzz.fuzzerTestOneInput(octets);
            case "ServerNameFuzz" -> ServerNameFuzz.fuzzerTestOneInput(octets);
            case "HttpChallengeFuzz" -> HttpChallengeFuzz.fuzzerTestOneInput(octets);
            default -> assertThat(input).as("belongs to no fuzzer").isNull();
        }
    }
}
