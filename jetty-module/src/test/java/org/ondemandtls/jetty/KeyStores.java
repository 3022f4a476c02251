package org.ondemandtls.jetty;

import java.io.File;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;

/** Key stores as an operator makes them, with the JDK's own keytool. */
final class KeyStores {

    static final String PASSWORD = "changeit";

    private KeyStores() {}

    /** A PKCS#12 file with one self-signed entry per name, its first name as alias. */
    static Path create(Path directory, String... names) throws Exception {
        Path file = directory.resolve("keystore-" + String.join("-", names) + ".p12");
        for (String name : names) {
            add(file, name);
        }
        return file;
    }

    static void add(Path file, String name) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                name,
                "-dname",
                "CN=" + name,
                "-ext",
                "SAN=dns:" + name,
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-validity",
                "30",
                "-storetype",
                "PKCS12",
                "-keystore",
                file.toString(),
                "-storepass",
                PASSWORD));
        Process keytool = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(new File(file + ".log"))
                .start();
        if (keytool.waitFor() != 0) {
            throw new IllegalStateException("keytool failed, see " + file + ".log");
        }
    }

    static KeyStore load(Path file) throws Exception {
        return KeyStore.getInstance(file.toFile(), PASSWORD.toCharArray());
    }
}
