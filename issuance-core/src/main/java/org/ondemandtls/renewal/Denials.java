package org.ondemandtls.renewal;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.issuance.RenewalTime;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * What becomes of a name that was granted and is denied now: it is asked for again and again, and withdrawn once every
 * answer over the operator's time has been a denial, unless the brake is on.
 *
 * <p><b>Threads.</b> Blocks for the store; called on the renewal executor.
 */
final class Denials {

    private static final Duration ASKED_AGAIN_WITHIN = Duration.ofHours(3);
    private static final Duration SHORTEST = Duration.ofSeconds(5);
    private static final int PART_OF_LIFE = 20;
    private static final int ASKED_PER_WITHDRAWAL = 8;

    private final Desk desk;
    private final DenialBrake brake;

    Denials(Desk desk, DenialBrake brake) {
        this.desk = desk;
        this.brake = brake;
    }

    /** A name may keep its certificate; of denials before nothing is left. */
    void granted(String name) throws StoreException {
        brake.granted(name);
    }

    /**
     * A name was denied.
     *
     * @param name the name
     * @param record its record as it is stored now
     * @param reason what was answered
     */
    void denied(ServerName name, StoredCertificate record, IssuanceException reason) throws StoreException {
        Instant now = desk.now();
        Instant since = since(record.deniedSince(), now);
        boolean kept = isKept(name.value(), since);
        Instant end = withdrawnAt(since);
        if (!now.isBefore(end) && !kept) {
            StoredCertificate gone = desk.floors()
                    .store()
                    .save(record.withDeniedSince(Optional.of(since))
                            .withWithdrawn(Optional.of(now))
                            .withDue(desk.records().forgottenAt(record)));
            desk.floors().inventory().withdraw(record.certificate());
            tellWithdrawn(name, since);
            // What was told is kept with what is saved next.
            desk.records().save(gone);
            return;
        }
        Duration again = again(record, kept);
        Instant next = now.plus(again);
        // The last question comes when the time is over, not at the next of eight.
        Instant due = now.isBefore(end) && end.isBefore(next) && !kept ? end : next;
        desk.floors().store().save(record.withDeniedSince(Optional.of(since)).withDue(due));
        desk.floors()
                .events()
                .publish(
                        EventKind.NOT_RENEWED,
                        name,
                        "not renewed: " + reason.what() + "; asked again in "
                                + Waits.words(Duration.between(now, due))
                                + (kept
                                        ? ", served on while so many names are denied at once"
                                        : ", withdrawn if it is denied at every ask until " + end));
    }

    /**
     * Counts the denial of a name.
     *
     * @param name the name
     * @param since since when every answer about it has been a denial
     * @return whether it is kept, however long it has been denied
     */
    boolean isKept(String name, Instant since) throws StoreException {
        brake.denied(name, since);
        return brake.keeps(since);
    }

    /** Since when a name has been denied, by the clock as it is now: what a clock said that has been set since is no moment. */
    Instant since(Optional<Instant> noted, Instant now) {
        return noted.map(moment -> desk.corrected(moment, now)).orElse(now);
    }

    /** When what has been denied at every ask since then is withdrawn. */
    Instant withdrawnAt(Instant since) {
        return since.plus(desk.config().withdrawAfter());
    }

    /** How long until a denied name is asked for again. */
    Duration again(StoredCertificate record, boolean kept) {
        Duration often = Waits.longest(
                Waits.shortest(
                        desk.config().withdrawAfter().dividedBy(ASKED_PER_WITHDRAWAL),
                        ASKED_AGAIN_WITHIN,
                        RenewalTime.lifetime(record.certificate()).dividedBy(PART_OF_LIFE)),
                SHORTEST);
        // Where nothing is withdrawn anyway, so many questions are not worth their cost.
        return kept ? Waits.longest(often, desk.config().recheck().orElse(often)) : often;
    }

    void tellWithdrawn(ServerName name, Instant since) {
        desk.floors()
                .events()
                .publish(
                        EventKind.WITHDRAWN,
                        name,
                        "withdrawn: denied at every ask since " + since + "; served again once it is granted");
    }
}
