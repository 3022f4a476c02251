package org.ondemandtls.jetty;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Key stores as an operator makes them, with the JDK's own keytool. */
final class KeyStores {

    static final String PASSWORD = "changeit";

    // An entry takes keytool more than a second.
    private static final Map<List<String>, byte[]> MADE = new HashMap<>();

    private KeyStores() {}

    /** A PKCS#12 file with one self-signed entry per name, its first name as alias; the same ones each time. */
    static synchronized Path create(Path directory, String... names) throws Exception {
        Path file = directory.resolve("keystore-" + String.join("-", names) + ".p12");
        byte[] made = MADE.get(List.of(names));
        if (made != null) {
            return Files.write(file, made);
        }
        for (String name : names) {
            add(file, name);
        }
        MADE.put(List.of(names), Files.readAllBytes(file));
        return file;
    }

    private static void add(Path file, String name) throws Exception {
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
