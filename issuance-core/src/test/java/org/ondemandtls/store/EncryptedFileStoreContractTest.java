package org.ondemandtls.store;

/** A store of files with encryption: the contract. */
class EncryptedFileStoreContractTest extends FileStoreContractTest {

    @Override
    KeySealing sealing() {
        return KeySealingTest.under(1);
    }
}
