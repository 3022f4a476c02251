package org.ondemandtls.handshake;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.RecordUnreadableException;
import org.ondemandtls.store.StoreException;

/**
 * Secrets from which all servers that share a store derive the same keys for session tickets (RFC 5077, RFC 8446 section
 * 4.6.1). A client that comes to another server, or after a restart, resumes there under the same name.
 *
 * <p>Each day has a secret. Those of today and of the two days after it are in the store, each in the place of one that is
 * over; so each server has read a secret before any of them uses it, and what nobody keeps can open no ticket. A name
 * changes to the secret of the next day at an hour of its own: not all clients need a full handshake at the same time.
 *
 * <p><b>Threads.</b> Any. Nothing here waits for the store but {@link #look}.
 */
public final class TicketSecrets {

    /** No secret is known: the TLS engine makes keys of its own, which no other server has. */
    public static final long NONE = -1;

    private static final long DAY = Duration.ofDays(1).toSeconds();
    private static final int AHEAD = 2;
    private static final int PLACES = AHEAD + 2;
    private static final int SECRET_OCTETS = 32;
    // By these words the store knows that it has to be encrypted.
    private static final String BEGIN = "-----BEGIN TICKET PRIVATE KEY-----";
    private static final String END = "-----END TICKET PRIVATE KEY-----";
    private static final String MAC = "HmacSHA256";
    private static final byte[] PURPOSE = "ondemand-tls session tickets".getBytes(StandardCharsets.US_ASCII);
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final Duration LOOK = Duration.ofMinutes(1);
    private static final Duration NEWS = Duration.ofHours(1);

    private final CertificateStore store;
    private final Clock clock;

    private volatile Map<Long, byte[]> secrets = Map.of();
    private volatile long nextLook;

    /**
     * Makes it; no secret is known before the first {@link #look}.
     *
     * @param store keeps the secrets
     * @param clock says which day it is
     */
    public TicketSecrets(CertificateStore store, Clock clock) {
        this.store = store;
        this.clock = clock;
    }

    /**
     * Looks from now on, until the timer ends.
     *
     * @param scheduler the timer; none of the work is done on it
     * @param worker does the work; where it has no room, a look is left out
     */
    public void watch(ScheduledExecutorService scheduler, Executor worker) {
        scheduler.scheduleWithFixedDelay(
                () -> {
                    try {
                        long wait = nextLook - clock.millis();
                        // One that is longer is of a clock that was ahead.
                        if (wait <= 0 || wait > NEWS.toMillis()) {
                            worker.execute(this::look);
                        }
                    } catch (RejectedExecutionException busy) {
                        // There is another look in a minute.
                    }
                },
                0,
                LOOK.toNanos(),
                TimeUnit.NANOSECONDS);
    }

    /**
     * Reads the secrets, and writes those that are missing; three small reads an hour. A store that does not answer leaves
     * the ones that are known.
     */
    public void look() {
        long today = Math.floorDiv(clock.instant().getEpochSecond(), DAY);
        Map<Long, byte[]> found = new HashMap<>();
        boolean settled = true;
        for (long day = today; day <= today + AHEAD; day++) {
            byte[] known = secrets.get(day);
            try {
                Secret stored = stored(day);
                if (stored.day() == day) {
                    known = stored.octets();
                }
                settled &= !stored.fresh();
            } catch (RecordUnreadableException e) {
                // The store has told of it. Another server may be able to read it: it stays where it is.
            } catch (StoreException e) {
                settled = false;
            }
            if (known != null) {
                found.put(day, known);
            }
        }
        secrets = Map.copyOf(found);
        // Of two servers that have written in the same place, one does not know yet that it was the first.
        nextLook = clock.millis() + (settled ? NEWS : LOOK).toMillis();
    }

    /**
     * Which secret a scope has now; asked with each handshake.
     *
     * @param scope the scope
     * @return the day the secret is of, {@link #NONE} where none is known
     */
    public long day(SessionScope scope) {
        long ahead = Math.floorMod(scope.hashCode(), DAY);
        long day = Math.floorDiv(clock.instant().getEpochSecond() + ahead, DAY);
        return secrets.containsKey(day) ? day : NONE;
    }

    /**
     * A key of a scope: another one for each name, certificate and set of terms.
     *
     * @param scope the scope
     * @param day which secret it comes from
     * @param terms what a session was agreed on under, so that it does not resume under other terms
     * @param octets how long
     * @return the key, empty where that secret is not known any more
     */
    public Optional<byte[]> key(SessionScope scope, long day, String terms, int octets) {
        byte[] secret = secrets.get(day);
        return secret == null ? Optional.empty() : Optional.of(expand(secret, scope, terms, octets));
    }

    // HKDF-Expand (RFC 5869 section 2.3); a secret here is as good as one that has been extracted.
    private static byte[] expand(byte[] secret, SessionScope scope, String terms, int octets) {
        try {
            Mac mac = Mac.getInstance(MAC);
            mac.init(new SecretKeySpec(secret, MAC));
            byte[] key = new byte[0];
            byte[] block = new byte[0];
            for (byte number = 1; key.length < octets; number++) {
                mac.update(block);
                mac.update(PURPOSE);
                scope.addTo(mac);
                mac.update(terms.getBytes(StandardCharsets.UTF_8));
                mac.update(number);
                block = mac.doFinal();
                int before = key.length;
                key = Arrays.copyOf(key, Math.min(octets, before + block.length));
                System.arraycopy(block, 0, key, before, key.length - before);
            }
            return key;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK has no " + MAC, e);
        }
    }

    private Secret stored(long day) throws StoreException {
        String path = "tickets/" + Math.floorMod(day, PLACES);
        Optional<byte[]> content = store.readSecret(path);
        Secret there = content.map(Secret::of).orElse(null);
        // A server whose clock is ahead may have been here; one that is days ahead is wrong.
        if (there != null && there.day() >= day && there.day() <= day + PLACES) {
            return there;
        }
        byte[] made = new byte[SECRET_OCTETS];
        RANDOM.nextBytes(made);
        Secret fresh = new Secret(day, made, true);
        if (content.isPresent()) {
            store.writeSecret(path, fresh.content());
            return fresh;
        }
        Secret first = Secret.of(store.writeFirst(path, fresh.content(), true));
        return first == null ? fresh : first;
    }

    /**
     * What is in one place.
     *
     * @param day the day it is of, since 1970
     * @param octets the secret
     * @param fresh whether it has just been written
     */
    private record Secret(long day, byte[] octets, boolean fresh) {

        static @Nullable Secret of(byte[] content) {
            String text = new String(content, StandardCharsets.ISO_8859_1).strip();
            if (!text.startsWith(BEGIN) || !text.endsWith(END) || text.length() < BEGIN.length() + END.length()) {
                return null;
            }
            try {
                ByteBuffer decoded = ByteBuffer.wrap(
                        Base64.getMimeDecoder().decode(text.substring(BEGIN.length(), text.length() - END.length())));
                if (decoded.remaining() != Long.BYTES + SECRET_OCTETS) {
                    return null;
                }
                long day = decoded.getLong();
                byte[] octets = new byte[SECRET_OCTETS];
                decoded.get(octets);
                return new Secret(day, octets, false);
            } catch (IllegalArgumentException noBase64) {
                return null;
            }
        }

        byte[] content() {
            byte[] whole = ByteBuffer.allocate(Long.BYTES + SECRET_OCTETS)
                    .putLong(day)
                    .put(octets)
                    .array();
            String text = BEGIN + '\n' + Base64.getEncoder().encodeToString(whole) + '\n' + END + '\n';
            return text.getBytes(StandardCharsets.US_ASCII);
        }
    }
}
