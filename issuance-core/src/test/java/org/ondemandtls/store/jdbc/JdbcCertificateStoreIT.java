package org.ondemandtls.store.jdbc;

import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.ondemandtls.config.OnDemandTlsConfig.DatabaseStore;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.CertificateStoreContract;
import org.ondemandtls.store.KeySealing;
import org.ondemandtls.testing.Database;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.RecordedEvents;

/** {@link JdbcCertificateStore} in real databases: the contract. */
@Tag("once")
@ParameterizedClass
@EnumSource(Database.Kind.class)
class JdbcCertificateStoreIT extends CertificateStoreContract {

    @Parameter
    private Database.Kind kind;

    private String url;

    @Override
    protected int writersAtOnce() {
        return 8;
    }

    @Override
    protected CertificateStore open(ManualTime time) throws Exception {
        if (url == null) {
            url = JdbcTables.emptied(kind);
        }
        return JdbcCertificateStore.open(
                new DatabaseStore(url, Optional.empty(), Optional.empty(), true, 8),
                new RecordedEvents().events(),
                time.machine(),
                KeySealing.none());
    }
}
