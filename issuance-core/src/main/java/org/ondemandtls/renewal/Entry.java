package org.ondemandtls.renewal;

import java.time.Instant;
import java.util.Optional;
import org.ondemandtls.store.StoredCertificate;

/**
 * Something to be done about a name, as light as it can be kept in memory: the record itself is read when its turn has come.
 *
 * @param name the first name of the record; for a certificate of several names, the one that is to get its own
 * @param kind what is to be done
 * @param issuer the {@code id()} of the CA that will be asked
 * @param due when the record was due
 * @param renew when the record is to be renewed; whatever else was planned gives way then
 * @param notAfter when the certificate ends
 * @param several the first name of the certificate of several names that serves the name now, empty where it has its own
 * @param deniedSince since when every answer about a name without a record of its own has been a denial
 * @param counted whether its order was found to count in the budget of all; most renewals do not
 * @param turn which turn this is, 0 before the first: what ends late ends no other
 */
record Entry(
        String name,
        Kind kind,
        String issuer,
        Instant due,
        Instant renew,
        Instant notAfter,
        Optional<String> several,
        Optional<Instant> deniedSince,
        boolean counted,
        long turn) {

    /** What is to be done. */
    enum Kind {
        /** Obtain a successor. */
        RENEW,
        /** Ask permission again. */
        ASK,
        /** Ask the CA when to renew. */
        ADVICE
    }

    /** Something about a record. */
    static Entry of(StoredCertificate record, Kind kind, String issuer) {
        return new Entry(
                record.firstName(),
                kind,
                issuer,
                record.due(),
                record.renew(),
                record.certificate().notAfter(),
                Optional.empty(),
                Optional.empty(),
                false,
                0);
    }

    /** A certificate of its own for one of the names of another. */
    static Entry ofSeveral(StoredCertificate record, String name, String issuer) {
        return new Entry(
                name,
                Kind.RENEW,
                issuer,
                record.due(),
                record.renew(),
                record.certificate().notAfter(),
                Optional.of(record.firstName()),
                Optional.empty(),
                false,
                0);
    }

    /** Permission for the first name of a certificate of several, whose renewal waits for the other names. */
    static Entry asking(StoredCertificate record, String issuer) {
        Instant end = record.certificate().notAfter();
        return new Entry(
                record.firstName(),
                Kind.ASK,
                issuer,
                record.due(),
                end,
                end,
                Optional.of(record.firstName()),
                Optional.empty(),
                false,
                0);
    }

    /** Of two entries of one kind the one with the earlier moment comes first. */
    Instant urgent() {
        return kind == Kind.RENEW ? notAfter : due;
    }

    /** The same as something else to be done. */
    Entry as(Kind other) {
        return new Entry(name, other, issuer, due, renew, notAfter, several, deniedSince, counted, turn);
    }

    /** The same, denied since a moment, or no longer. */
    Entry denied(Optional<Instant> since) {
        return new Entry(name, kind, issuer, due, renew, notAfter, several, since, counted, turn);
    }

    /** The same, of which it is known that its order counts. */
    Entry asCounted() {
        return new Entry(name, kind, issuer, due, renew, notAfter, several, deniedSince, true, turn);
    }

    /** The same at its turn. */
    Entry atTurn(long number) {
        return new Entry(name, kind, issuer, due, renew, notAfter, several, deniedSince, counted, number);
    }
}
