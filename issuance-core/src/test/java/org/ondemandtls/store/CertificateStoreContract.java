package org.ondemandtls.store;

import org.junit.jupiter.api.Nested;
import org.ondemandtls.testing.ManualTime;

/** What every kind of store promises, shelf by shelf. */
public abstract class CertificateStoreContract {

    /** Opens the store of this test: the same one each time, with what is in it. */
    protected abstract CertificateStore open(ManualTime time) throws Exception;

    /** How many may keep the same thing first at once: one, where only one process may use the store. */
    protected int writersAtOnce() {
        return 1;
    }

    @Nested
    class Certificates extends CertificatesContract {
        @Override
        protected CertificateStore open() throws Exception {
            return CertificateStoreContract.this.open(time);
        }
    }

    @Nested
    class Lists extends ListsContract {
        @Override
        protected CertificateStore open() throws Exception {
            return CertificateStoreContract.this.open(time);
        }
    }

    @Nested
    class DueTimes extends DueTimesContract {
        @Override
        protected CertificateStore open() throws Exception {
            return CertificateStoreContract.this.open(time);
        }
    }

    @Nested
    class AForgottenCertificate extends ForgettingContract {
        @Override
        protected CertificateStore open() throws Exception {
            return CertificateStoreContract.this.open(time);
        }
    }

    @Nested
    class Holds extends HoldsContract {
        @Override
        protected CertificateStore open() throws Exception {
            return CertificateStoreContract.this.open(time);
        }
    }

    @Nested
    class TheLedger extends LedgerContract {
        @Override
        protected CertificateStore open() throws Exception {
            return CertificateStoreContract.this.open(time);
        }
    }

    @Nested
    class OpenOrders extends OpenOrdersContract {
        @Override
        protected CertificateStore open() throws Exception {
            return CertificateStoreContract.this.open(time);
        }
    }

    @Nested
    class Secrets extends SecretsContract {
        @Override
        protected CertificateStore open() throws Exception {
            return CertificateStoreContract.this.open(time);
        }

        @Override
        protected int writersAtOnce() {
            return CertificateStoreContract.this.writersAtOnce();
        }
    }

    @Nested
    class Leases extends LeasesContract {
        @Override
        protected CertificateStore open() throws Exception {
            return CertificateStoreContract.this.open(time);
        }
    }
}
