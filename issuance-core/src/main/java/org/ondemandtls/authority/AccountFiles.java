package org.ondemandtls.authority;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.ondemandtls.certificate.InvalidPemException;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;

/**
 * What is kept of the account with one CA: its key, the key that is to follow it, its URL, what the CA was told, and whether
 * an operator has deactivated it.
 *
 * <p>The key that follows another is kept under the digest of that one, so that of several servers that roll over at once all
 * take the same, and so that nothing is lost whenever a process ends.
 *
 * <p><b>Threads.</b> Safe for many; methods block for the store.
 */
public final class AccountFiles {

    private static final int SHORT = 8;

    private final SecretFiles files;
    private final Consumer<String> told;
    private final String stem;
    private final Set<String> unreadable = ConcurrentHashMap.newKeySet();

    /**
     * Nothing is read yet.
     *
     * @param files where it is kept
     * @param directory the CA's directory URL
     */
    public AccountFiles(SecretFiles files, URI directory) {
        this(files, directory, words -> {});
    }

    /**
     * Nothing is read yet.
     *
     * @param files where it is kept
     * @param directory the CA's directory URL
     * @param told told once of each note beside the key that cannot be read, and counts as if it were not there
     */
    AccountFiles(SecretFiles files, URI directory, Consumer<String> told) {
        this.files = files;
        this.told = told;
        this.stem = "accounts/"
                + HexFormat.of().formatHex(sha256(directory.toString().getBytes(StandardCharsets.UTF_8)), 0, SHORT);
    }

    /**
     * The account's key; empty where there never was an account.
     *
     * @throws IOException if it cannot be read or used
     */
    Optional<KeyPair> key() throws IOException {
        Optional<byte[]> stored = files.read(keyFile());
        return stored.isPresent() ? Optional.of(key(keyFile(), stored.get())) : Optional.empty();
    }

    /** The account's key; made and kept where there is none, the same for all servers. */
    KeyPair keyOrNew() throws IOException {
        Optional<KeyPair> stored = key();
        if (stored.isPresent()) {
            return stored.get();
        }
        KeyPair key = KeyPairs.generate(KeyType.P_256);
        byte[] ours = pem(key);
        byte[] first = files.writeFirst(keyFile(), ours, true);
        if (!Arrays.equals(first, ours)) {
            // Another server's: the CA has one account for all who ask with its key.
            return key(keyFile(), first);
        }
        // A URL without its key is of an account that is lost.
        forgetUrl();
        return key;
    }

    /** The account's URL. What cannot be read is asked for again, by the key. */
    Optional<URL> url() throws IOException {
        try {
            URI uri = new URI(note(".url").orElse("").strip());
            return "https".equals(uri.getScheme()) ? Optional.of(uri.toURL()) : Optional.empty();
        } catch (URISyntaxException | MalformedURLException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** Keeps the account's URL. */
    void keepUrl(URL url) throws IOException {
        write(".url", url.toString());
    }

    /** Forgets the URL; the key stays. */
    void forgetUrl() throws IOException {
        write(".url", "");
    }

    /** The contact the CA was told; empty where it was told none, or nothing is known of it. */
    Optional<String> contact() throws IOException {
        return note(".contact");
    }

    /** Keeps the contact the CA was told. */
    void keepContact(String contact) throws IOException {
        write(".contact", contact);
    }

    /** The terms of service that were accepted. */
    Optional<String> terms() throws IOException {
        return note(".terms");
    }

    /** Keeps the terms of service that were accepted. */
    void keepTerms(String terms) throws IOException {
        write(".terms", terms);
    }

    /** When an operator has deactivated the account, as text; empty where none has. */
    Optional<String> deactivated() throws IOException {
        return note(".deactivated").filter(since -> !since.isEmpty());
    }

    /** Keeps that an operator has deactivated the account, or with an empty text that it is used again. */
    void keepDeactivated(String since) throws IOException {
        write(".deactivated", since);
    }

    /** The key that a change of keys was begun with and not seen to end; empty where there is none. */
    Optional<KeyPair> successor(KeyPair key) throws IOException {
        String file = successorFile(key);
        Optional<byte[]> stored = files.read(file).filter(content -> content.length > 0);
        return stored.isPresent() ? Optional.of(key(file, stored.get())) : Optional.empty();
    }

    /** Keeps a key that is to follow; returns what another server, or an attempt before, has kept already. */
    KeyPair successorOrNew(KeyPair key) throws IOException {
        KeyPair fresh = KeyPairs.generate(KeyType.P_256);
        String file = successorFile(key);
        byte[] kept = files.writeFirst(file, pem(fresh), true);
        if (kept.length == 0) {
            // One was adopted.
            files.write(file, pem(fresh), true);
            return fresh;
        }
        return key(file, kept);
    }

    /** Makes the key that followed the account's own, unless another server has: the key may be another again since then. */
    void adopt(KeyPair key, KeyPair successor) throws IOException {
        if (successor(key).isPresent()) {
            files.write(keyFile(), pem(successor), true);
            files.write(successorFile(key), new byte[0], true);
        }
    }

    /**
     * Keeps another key for an account that is still to be made. The URL goes last: without one, the account would be asked for
     * by the old key.
     */
    void startAnew() throws IOException {
        files.write(keyFile(), pem(KeyPairs.generate(KeyType.P_256)), true);
        keepContact("");
        forgetUrl();
    }

    /**
     * Whether the account is the one with this key.
     *
     * @throws IOException if the store did not say
     */
    public boolean has(KeyPair key) throws IOException {
        Optional<KeyPair> stored = key();
        return stored.isPresent()
                && Arrays.equals(
                        stored.get().getPublic().getEncoded(), key.getPublic().getEncoded());
    }

    /**
     * Keeps an account that another program had made, where there is none.
     *
     * @param key its key
     * @param url its URL, empty where only the CA knows it
     * @return whether it was kept; not where there is an account already
     * @throws IOException if the store does not do it
     */
    public boolean bringAlong(KeyPair key, Optional<URL> url) throws IOException {
        byte[] ours = pem(key);
        if (!Arrays.equals(files.writeFirst(keyFile(), ours, true), ours)) {
            return false;
        }
        write(".url", url.map(URL::toString).orElse(""));
        return true;
    }

    private String keyFile() {
        return stem + ".pem";
    }

    private String successorFile(KeyPair key) {
        return stem + ".after-"
                + HexFormat.of().formatHex(sha256(key.getPublic().getEncoded()), 0, SHORT) + ".pem";
    }

    // The CA knows all of them by the key: one that cannot be read is no reason to order nothing from it.
    private Optional<String> note(String suffix) throws IOException {
        try {
            return files.read(stem + suffix).map(AccountFiles::text);
        } catch (UnreadableSecretException e) {
            if (unreadable.add(suffix)) {
                told.accept(stem + suffix + " cannot be read (" + e.getMessage() + "); the server goes on without it");
            }
            return Optional.empty();
        }
    }

    private void write(String suffix, String text) throws IOException {
        try {
            files.write(stem + suffix, text.getBytes(StandardCharsets.UTF_8), false);
            unreadable.remove(suffix);
        } catch (IOException e) {
            if (!unreadable.contains(suffix)) {
                throw e;
            }
        }
    }

    private static String text(byte[] content) {
        return new String(content, StandardCharsets.UTF_8);
    }

    private static byte[] pem(KeyPair key) {
        return Pem.privateKey(key.getPrivate()).getBytes(StandardCharsets.US_ASCII);
    }

    private static KeyPair key(String file, byte[] stored) throws IOException {
        try {
            return KeyPairs.pair(Pem.readPrivateKey(new String(stored, StandardCharsets.US_ASCII)));
        } catch (InvalidPemException | GeneralSecurityException e) {
            throw new IOException(
                    "the account key " + file + " cannot be used (" + e.getMessage()
                            + "): restore it, or remove it to make another account",
                    e);
        }
    }

    private static byte[] sha256(byte[] content) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(content);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this JDK has no SHA-256", e);
        }
    }
}
