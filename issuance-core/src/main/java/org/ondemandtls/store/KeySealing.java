package org.ondemandtls.store;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Encrypts what a store must not hold in clear, the same way whatever the medium: AES-256-GCM under a data key made for
 * this one record at this one revision, which is itself encrypted, by AES-256-GCM, under the operator's key.
 *
 * <p>Both are bound to what is kept, to its name and to its revision: put elsewhere, it does not open. Safe for use by
 * many threads; sealing and opening cost some tens of microseconds. Never shows a key.
 */
public final class KeySealing {

    /** How long a key is, in bytes. */
    public static final int KEY_LENGTH = 32;

    /** The form of what is not encrypted. */
    public static final String PLAIN = "plain";

    private static final String ALGORITHM = "aes-256-gcm ";
    private static final String CIPHER = "AES/GCM/NoPadding";
    private static final int NONCE = 12;
    private static final int TAG = 16;
    private static final int TAG_BITS = TAG * 8;
    private static final int WRAPPED = NONCE + KEY_LENGTH + TAG;
    private static final int ID_LENGTH = 8;
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final KeySealing NONE = new KeySealing(Map.of(), PLAIN);

    /** What kind of thing is sealed. */
    enum Kind {
        CERTIFICATE,
        ORDER,
        SECRET
    }

    /**
     * Where a sealed thing belongs; it opens nowhere else.
     *
     * @param kind what it is
     * @param name under which name it is kept
     * @param revision which version of it this is
     */
    record Place(Kind kind, String name, String revision) {

        private byte[] bound(String keyId) {
            return ("ondemand-tls sealed 1\n" + kind + '\n' + name + '\n' + revision + '\n' + keyId).getBytes(UTF_8);
        }
    }

    /** The key a thing was sealed under is not among those given. */
    static final class KeyMissingException extends UnreadableException {
        KeyMissingException(String keyId) {
            super("it is encrypted under the key " + keyId
                    + ", which is not among those of onDemandTls.store.encryptionKey; add that key to them");
        }
    }

    // By their identifiers, the one that encrypts first.
    private final Map<String, SecretKey> keys;
    private final String form;

    private KeySealing(Map<String, SecretKey> keys, String form) {
        this.keys = keys;
        this.form = form;
    }

    /** Leaves everything in clear. */
    public static KeySealing none() {
        return NONE;
    }

    /**
     * Encrypts under the first key, decrypts under any.
     *
     * @param keys {@value #KEY_LENGTH} bytes each, copied; none leaves everything in clear
     * @throws IllegalArgumentException if a key has another length
     */
    public static KeySealing of(List<byte[]> keys) {
        if (keys.isEmpty()) {
            return NONE;
        }
        Map<String, SecretKey> byId = new LinkedHashMap<>();
        for (byte[] key : keys) {
            if (key.length != KEY_LENGTH) {
                throw new IllegalArgumentException("a key has " + KEY_LENGTH + " bytes");
            }
            byId.putIfAbsent(id(key), new SecretKeySpec(key, "AES"));
        }
        KeySealing sealing =
                new KeySealing(byId, ALGORITHM + byId.keySet().iterator().next());
        sealing.warmUp();
        return sealing;
    }

    /** Whether what is written is encrypted. */
    public boolean encrypts() {
        return !keys.isEmpty();
    }

    /** How what is written now is marked: {@code plain}, or the algorithm and the identifier of the key. */
    String form() {
        return form;
    }

    /** The identifiers of the keys, which tell nothing about them; the one that encrypts first. */
    public Set<String> keyIds() {
        return keys.keySet();
    }

    /** How a record is marked that is written now: the identifier of the key, or {@code plain}. */
    public String keyId() {
        return keyId(form);
    }

    /** The same of what is marked with a form. */
    static String keyId(String form) {
        return form.startsWith(ALGORITHM) ? form.substring(ALGORITHM.length()) : form;
    }

    /** Encrypts under the first key. Call it only where {@link #encrypts}. */
    byte[] seal(Place place, byte[] clear) {
        Map.Entry<String, SecretKey> first = keys.entrySet().iterator().next();
        byte[] bound = place.bound(first.getKey());
        byte[] dataKey = random(KEY_LENGTH);
        try {
            byte[] wrapped = encrypt(first.getValue(), bound, dataKey);
            byte[] sealed = encrypt(new SecretKeySpec(dataKey, "AES"), bound, clear);
            byte[] envelope = Arrays.copyOf(wrapped, wrapped.length + sealed.length);
            System.arraycopy(sealed, 0, envelope, wrapped.length, sealed.length);
            return envelope;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has AES-GCM", e);
        } finally {
            Arrays.fill(dataKey, (byte) 0);
        }
    }

    /**
     * Decrypts.
     *
     * @param sealedForm the form it was marked with, not {@code plain}
     * @throws KeyMissingException if its key is not there
     * @throws UnreadableException if it was changed, or belongs to another place
     */
    byte[] open(String sealedForm, Place place, byte[] envelope) throws UnreadableException {
        if (!sealedForm.startsWith(ALGORITHM)) {
            throw new UnreadableException("its key is kept in a form this version does not read");
        }
        String keyId = sealedForm.substring(ALGORITHM.length());
        SecretKey key = keys.get(keyId);
        if (key == null) {
            throw new KeyMissingException(keyId.matches("[0-9a-f]{1,64}") ? keyId : "?");
        }
        byte[] bound = place.bound(keyId);
        try {
            byte[] dataKey = decrypt(key, bound, envelope, 0, Math.min(WRAPPED, envelope.length));
            try {
                return decrypt(new SecretKeySpec(dataKey, "AES"), bound, envelope, WRAPPED, envelope.length - WRAPPED);
            } finally {
                Arrays.fill(dataKey, (byte) 0);
            }
        } catch (AEADBadTagException e) {
            throw new UnreadableException("its encrypted key was changed, or is that of another record or revision");
        } catch (GeneralSecurityException | RuntimeException e) {
            throw new UnreadableException("its encrypted key cannot be read");
        }
    }

    @Override
    public String toString() {
        return "KeySealing" + keys.keySet();
    }

    // The first use in a process costs milliseconds, which no visitor is to wait for.
    private void warmUp() {
        Place nowhere = new Place(Kind.SECRET, "warm-up", "0");
        try {
            open(form, nowhere, seal(nowhere, new byte[KEY_LENGTH]));
        } catch (UnreadableException e) {
            throw new IllegalStateException("what was sealed does not open", e);
        }
    }

    private static String id(byte[] key) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return HexFormat.of().formatHex(mac.doFinal("ondemand-tls key id".getBytes(US_ASCII)), 0, ID_LENGTH);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HMAC with SHA-256", e);
        }
    }

    private static byte[] random(int length) {
        byte[] random = new byte[length];
        RANDOM.nextBytes(random);
        return random;
    }

    private static byte[] encrypt(SecretKey key, byte[] bound, byte[] clear) throws GeneralSecurityException {
        byte[] nonce = random(NONCE);
        Cipher cipher = Cipher.getInstance(CIPHER);
        cipher.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, nonce));
        cipher.updateAAD(bound);
        byte[] sealed = Arrays.copyOf(nonce, NONCE + clear.length + TAG);
        cipher.doFinal(clear, 0, clear.length, sealed, NONCE);
        return sealed;
    }

    private static byte[] decrypt(SecretKey key, byte[] bound, byte[] from, int offset, int length)
            throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance(CIPHER);
        cipher.init(Cipher.DECRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, from, offset, NONCE));
        cipher.updateAAD(bound);
        return cipher.doFinal(from, offset + NONCE, length - NONCE);
    }
}
