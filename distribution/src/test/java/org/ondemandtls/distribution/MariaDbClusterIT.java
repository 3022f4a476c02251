package org.ondemandtls.distribution;

import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.ondemandtls.testing.Database;

/** The same scenarios on MariaDB. */
@Tag("long")
class MariaDbClusterIT extends ClusterIT {

    static Stream<Database.Kind> kinds() {
        return Stream.of(Database.Kind.MARIADB);
    }
}
