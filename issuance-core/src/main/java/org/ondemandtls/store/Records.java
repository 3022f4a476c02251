package org.ondemandtls.store;

import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.store.KeySealing.KeyMissingException;
import org.ondemandtls.store.Medium.Found;

/**
 * The records of one shelf, read back whole or not at all. A record that is damaged, or of another key, is set aside and
 * counts as absent; one that cannot be read now is left where it is. Neither keeps another from being read.
 *
 * @param <T> what a record says
 */
final class Records<T> {

    /** Turns a content into what it says. */
    @FunctionalInterface
    interface Decoder<T> {
        T decode(byte[] content, KeySealing sealing) throws UnreadableException;
    }

    private final Medium medium;
    private final Shelf shelf;
    private final KeySealing sealing;
    private final Events events;
    private final Troubles troubles;
    private final Decoder<T> decoder;
    private final Function<T, String> key;

    Records(
            Medium medium,
            Shelf shelf,
            KeySealing sealing,
            Events events,
            Troubles troubles,
            Decoder<T> decoder,
            Function<T, String> key) {
        this.medium = medium;
        this.shelf = shelf;
        this.sealing = sealing;
        this.events = events;
        this.troubles = troubles;
        this.decoder = decoder;
        this.key = key;
    }

    /**
     * The record of a key, empty if there is none or it is damaged.
     *
     * @throws RecordUnreadableException if it is there and cannot be read now, which is told of once
     */
    Optional<T> get(String of) throws StoreException {
        Optional<Found> found = medium.view(shelf, List.of(of)).own(of);
        try {
            return read(found);
        } catch (RecordUnreadableException e) {
            troubles.tell(found.map(Found::place).orElse(of), e);
            throw e;
        }
    }

    /** What was found, empty if it was nothing or is damaged. */
    Optional<T> read(Optional<Found> found) throws StoreException {
        return found.isEmpty() ? Optional.empty() : read(found.get());
    }

    /** What was found, empty if it is damaged. */
    Optional<T> read(Found found) throws StoreException {
        byte @Nullable [] content = null;
        try {
            content = found.content().read();
            T record = decoded(found, content);
            if (!medium.handle(shelf, keyOf(record)).equals(found.handle())) {
                throw new UnreadableException("it is for another " + shelf.key());
            }
            if (found.revision() != 0
                    && record instanceof StoredCertificate stored
                    && stored.revision() != found.revision()) {
                throw new UnreadableException("it is of another revision");
            }
            return Optional.of(record);
        } catch (KeyMissingException e) {
            throw new RecordUnreadableException(found.place(), e);
        } catch (StoreException e) {
            throw new RecordUnreadableException(e);
        } catch (UnreadableException e) {
            try {
                setAside(found, content, e);
            } catch (StoreException inTheWay) {
                throw new RecordUnreadableException(inTheWay);
            }
            return Optional.empty();
        }
    }

    // Whatever stands in a record, or a provider of keys thinks of it, concerns this record only. An error is of this
    // process, for want of memory or of a class, and says nothing about the record: it stays where it is.
    private T decoded(Found found, byte[] content) throws UnreadableException, RecordUnreadableException {
        try {
            return decoder.decode(content, sealing);
        } catch (RuntimeException e) {
            throw new UnreadableException("it cannot be decoded", e);
        } catch (Error e) {
            throw new RecordUnreadableException(found.place(), e);
        }
    }

    private String keyOf(T record) throws UnreadableException {
        try {
            return key.apply(record);
        } catch (NoSuchElementException e) {
            throw new UnreadableException("it has no name that can be served", e);
        }
    }

    /** What was found; one that cannot be read is told of once, and is as if it were not there. */
    Optional<T> readable(Found found) {
        try {
            return read(found);
        } catch (StoreException e) {
            troubles.tell(found.place(), e);
            return Optional.empty();
        }
    }

    /** All that can be read of what was found. */
    List<T> readable(List<Found> found) {
        List<T> records = new ArrayList<>();
        found.forEach(one -> readable(one).ifPresent(records::add));
        return records;
    }

    /** Sets a record aside, or removes it where its key may be in clear and nothing is to be. */
    void setAside(Found found, byte @Nullable [] content, UnreadableException why) throws StoreException {
        boolean keep = !sealing.encrypts() || (content != null && !RecordCodec.mayBeInClear(content));
        Optional<String> where = medium.setAside(found, String.valueOf(why.getMessage()), keep);
        where.ifPresent(there -> events.publish(
                EventKind.QUARANTINED,
                found.place()
                        + (keep
                                ? " was set aside " + there
                                : " was deleted, because it is damaged and may contain an unencrypted private key")
                        + ": " + why.getMessage() + "; " + shelf.whenLost()));
    }
}
