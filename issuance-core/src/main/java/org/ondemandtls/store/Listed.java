package org.ondemandtls.store;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import org.ondemandtls.name.PublicSuffixes;
import org.ondemandtls.name.ServerName;

/**
 * What a certificate is listed by, so that a list need not read it.
 *
 * @param name its first name
 * @param domain the registered domain of that by the public suffix list of this version
 * @param issuer the {@code id()} of the CA it was obtained from, at most {@value #LONGEST_ISSUER} characters of it
 * @param expires the last moment of its validity
 * @param late the moment from which its renewal is overdue; the end of the year 9999 unless it is being renewed, and
 *     meaningless there in what older versions have written
 * @param standing how it stands, whatever the time is
 */
public record Listed(String name, String domain, String issuer, Instant expires, Instant late, Standing standing) {

    /** What part of a certificate's life its renewal may be late before it counts as overdue. */
    public static final int PART_OF_LIFE = 20;

    /** How much of an issuer is kept. */
    public static final int LONGEST_ISSUER = 500;

    // Any moment that nobody lives to see; people can read it in a database.
    private static final Instant NEVER = Instant.parse("9999-12-31T23:59:59Z");

    /** How a certificate stands, whatever the time is. */
    public enum Standing {
        /** It is renewed when its time has come. */
        RENEWED(0),
        /** Nobody visits it, so it is not renewed. */
        IDLE(1),
        /** It is withdrawn. */
        WITHDRAWN(2),
        /** Its name leads elsewhere. */
        MOVED_AWAY(3);

        private final int number;

        Standing(int number) {
            this.number = number;
        }

        /** The number it is kept by. */
        public int number() {
            return number;
        }

        /** The one with a number; one that only a later version knows counts as the usual one. */
        public static Standing of(int number) {
            return Arrays.stream(values())
                    .filter(one -> one.number == number)
                    .findFirst()
                    .orElse(RENEWED);
        }
    }

    /** What certificates are gone through. */
    public sealed interface Slice {

        /** What an entry's place in the slice is called: the page after it begins behind it. */
        default String place(Listed entry) {
            return entry.name();
        }
    }

    /**
     * Those of one registered domain, by name.
     *
     * @param domain the domain
     */
    public record OfDomain(String domain) implements Slice {}

    /**
     * Those of one CA, by name.
     *
     * @param issuer its {@code id()}
     */
    public record OfIssuer(String issuer) implements Slice {

        /** Cuts what is too long. */
        public OfIssuer {
            issuer = cut(issuer);
        }
    }

    /**
     * Those that stand in one way, by name.
     *
     * @param standing how
     */
    public record OfStanding(Standing standing) implements Slice {}

    /**
     * Those that expire before a moment, the earliest first.
     *
     * @param before the moment
     */
    public record Expiring(Instant before) implements Slice {
        @Override
        public String place(Listed entry) {
            return entry.expires().toEpochMilli() + " " + entry.name();
        }
    }

    /**
     * Those whose renewal is overdue at a moment, the earliest first; among them are some that are not renewed, which older
     * versions have written, and those that have expired.
     *
     * @param at the moment
     */
    public record Late(Instant at) implements Slice {
        @Override
        public String place(Listed entry) {
            return entry.late().toEpochMilli() + " " + entry.name();
        }
    }

    /** What a stored certificate is listed by. */
    public static Listed of(StoredCertificate stored) {
        return of(
                stored.firstName(),
                stored.issuer(),
                stored.certificate().notAfter(),
                overdueFrom(stored),
                standingOf(stored.withdrawn().isPresent(), stored.moved().isPresent(), stored.isLeftAlone()));
    }

    /** What a certificate with a first name and an issuer as they are is listed by. */
    static Listed of(String firstName, String issuer, Instant expires, Instant late, Standing standing) {
        // Otherwise the many that nobody visits would stand before the few that are overdue.
        Instant overdue = standing == Standing.RENEWED ? late : NEVER;
        return new Listed(firstName, domainOf(firstName), cut(issuer), expires, overdue, standing);
    }

    /** The registered domain of a first name. */
    public static String domainOf(String firstName) {
        return PublicSuffixes.bundled().registeredDomain(ServerName.answeredBy(firstName));
    }

    /** The moment from which the renewal of a certificate is overdue: late by more than a twentieth of its life. */
    public static Instant overdueFrom(StoredCertificate stored) {
        return overdueFrom(
                stored.renew(),
                stored.certificate().notBefore(),
                stored.certificate().notAfter());
    }

    static Instant overdueFrom(Instant renew, Instant notBefore, Instant notAfter) {
        return renew.plus(Duration.between(notBefore, notAfter).dividedBy(PART_OF_LIFE));
    }

    static Standing standingOf(boolean withdrawn, boolean moved, boolean idle) {
        if (withdrawn) {
            return Standing.WITHDRAWN;
        }
        if (moved) {
            return Standing.MOVED_AWAY;
        }
        return idle ? Standing.IDLE : Standing.RENEWED;
    }

    private static String cut(String issuer) {
        return issuer.length() <= LONGEST_ISSUER ? issuer : issuer.substring(0, LONGEST_ISSUER);
    }

    /** The moment in a place of {@link Expiring} or {@link Late}, in milliseconds; the least there is in an empty one. */
    public static long momentOf(String place) {
        int space = place.indexOf(' ');
        try {
            return space < 0 ? Long.MIN_VALUE : Long.parseLong(place.substring(0, space));
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("not where a page has ended", e);
        }
    }

    /** The name in a place, empty in an empty one. */
    public static String nameOf(String place) {
        return place.substring(place.indexOf(' ') + 1);
    }
}
