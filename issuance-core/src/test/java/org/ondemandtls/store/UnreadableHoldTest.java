package org.ondemandtls.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.name.ClientBlock;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.DirectExecutor;
import org.ondemandtls.testing.IssuanceFixture;

/** A hold that cannot be read is one record: it is told of, and orders go on. */
class UnreadableHoldTest {

    private static final String CA = "https://ca.example/directory";
    private static final ServerName SHOP = ServerName.parse("shop.example.com");

    @TempDir
    private Path directory;

    private IssuanceFixture house;

    @BeforeEach
    void open() throws Exception {
        house = new IssuanceFixture(directory);
    }

    @AfterEach
    void close() {
        house.close();
    }

    static List<Scope> scopes() {
        return List.of(
                new Scope.Account(CA),
                new Scope.NameAt(CA, SHOP),
                new Scope.Domain(CA, "example.com"),
                new Scope.Name(SHOP));
    }

    // Reading a directory fails for root too.
    private void keepUnreadable(Scope scope) throws Exception {
        house.store().keepHold(ShelfContract.hold(scope, 1));
        try (Stream<Path> holds = Files.list(directory.resolve("holds"))) {
            Path file = holds.toList().get(0);
            Files.delete(file);
            Files.createDirectory(file);
        }
    }

    @ParameterizedTest
    @MethodSource("scopes")
    void keepsNoNameFromItsCertificate(Scope scope) throws Exception {
        keepUnreadable(scope);

        assertThat(house.issuance(new DirectExecutor(), new DirectExecutor()).obtain(SHOP, ClientBlock.LOCAL))
                .isCompleted();

        assertThat(house.recorded().lines(EventKind.STORE_FAILED))
                .singleElement()
                .asString()
                .contains(directory.resolve("holds").toString() + "/");
    }
}
