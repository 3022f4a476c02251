package org.ondemandtls.store;

import java.util.Optional;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.RecordedEvents;

/** {@link JdbcCertificateStore} in real databases: the contract. */
@ParameterizedClass
@EnumSource(Database.Kind.class)
class JdbcCertificateStoreIT extends CertificateStoreContract {

    private static Database database;

    @Parameter
    private Database.Kind kind;

    private String url;

    @BeforeParameterizedClassInvocation
    static void startDatabase(Database.Kind kind) {
        database = Database.start(kind);
    }

    @AfterParameterizedClassInvocation
    static void stopDatabase() {
        database.close();
    }

    @Override
    CertificateStore open() throws Exception {
        if (url == null) {
            url = database.fresh();
        }
        return JdbcCertificateStore.open(
                new DatabaseStore(url, Optional.empty(), Optional.empty(), true, 8),
                new RecordedEvents().events(),
                time.clock(),
                KeySealing.none());
    }
}
