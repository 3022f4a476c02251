package org.ondemandtls.store;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.ondemandtls.challenge.Proof;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.name.ServerName;

/**
 * What servers that share a store agree on through it: who works on a name, which proofs are on display, what has changed.
 *
 * <p>A method does by itself what is right for a process that has its store for itself.
 *
 * <p><b>Threads.</b> Methods but {@link #follow} and {@link #any} block for I/O and are called on the engine's executors
 * only; all are safe for use by many threads. Time is the store's, never this machine's.
 */
public interface Peers {

    /** Of a process that has its store for itself. */
    Peers NONE = new Peers() {};

    /**
     * Told what other servers have changed; what this one has may be left out. Called on a thread of the store's, one call at
     * a time, and a change perhaps twice.
     */
    interface News {

        /** Nobody listens. */
        News NONE = new News() {
            @Override
            public void changed(List<String> names) {
                // Nobody is told.
            }

            @Override
            public void missed() {
                // Nobody is told.
            }
        };

        /**
         * A certificate was obtained, renewed, withdrawn, granted again or forgotten; or a name is to be tried again.
         *
         * @param names the names it is stored under, the first one first; a wildcard among them as it stands in it
         */
        void changed(List<String> names);

        /** What was changed for some time is not known: all that is in memory may be old. */
        void missed();
    }

    /** Whether other servers may use this store at all; does not block. */
    default boolean any() {
        return false;
    }

    /**
     * Takes the lease for a name. It is kept up in the background until it is given back, or until this process stands
     * still for longer than a lease lasts.
     *
     * @param name the name to work on
     * @return the lease, empty while another server, or another thread of this one, has it
     * @throws StoreException if the store did not say
     */
    default Optional<Lease> take(ServerName name) throws StoreException {
        return Optional.of(Lease.alone(name));
    }

    /**
     * Gives a lease back; nothing happens where it is lost already. What fails is left to run out.
     *
     * @param lease the lease
     */
    default void giveBack(Lease lease) {
        // Nobody else can take it.
    }

    /**
     * The open orders of servers that are gone: their leases have run out without having been given back. Some of them
     * where there are many, the oldest first.
     *
     * @return orders that anybody may take up now
     * @throws StoreException if the store did not say
     */
    default List<OpenOrder> abandoned() throws StoreException {
        return List.of();
    }

    /**
     * Has every server answer for a proof, before the CA is told to look.
     *
     * @param proof what to show
     * @throws StoreException if it could not be kept
     */
    default void show(Proof proof) throws StoreException {
        // Nobody else is asked for it.
    }

    /**
     * Takes a proof down; what fails is left to be removed later.
     *
     * @param proof what was shown
     */
    default void takeDown(Proof proof) {
        // Nobody else has it.
    }

    /**
     * What answers a challenge, where any server shows it.
     *
     * @param name the identifier that is being validated
     * @param type the kind of proof
     * @param token the CA's token; empty for {@code tls-alpn-01}, whose client does not send it
     * @return the proof's content, empty if nobody shows it
     * @throws StoreException if the store did not say
     */
    default Optional<String> proof(ServerName name, ChallengeType type, String token) throws StoreException {
        return Optional.empty();
    }

    /**
     * What answers HTTP-01 challenges for a name, where any server shows it.
     *
     * @param name the identifier that is being validated
     * @return key authorizations by their tokens, empty if nobody shows any
     * @throws StoreException if the store did not say
     */
    default Map<String, String> httpProofs(ServerName name) throws StoreException {
        return Map.of();
    }

    /**
     * For which name any server shows an HTTP-01 proof with a token. Goes through all proofs on display, so that a stranger must
     * not ask often.
     *
     * @param token the CA's token
     * @return the name, empty if nobody shows such a proof
     * @throws StoreException if the store did not say
     */
    default Optional<ServerName> nameOf(String token) throws StoreException {
        return Optional.empty();
    }

    /**
     * Has every server look at a name anew: an operator wants it tried again.
     *
     * @param name the name
     * @throws StoreException if they could not be told
     */
    default void tell(ServerName name) throws StoreException {
        // Nobody listens.
    }

    /**
     * The servers that run on this store, this one among them, each by an identifier of its own for as long as it runs.
     *
     * @return empty where there can be no others
     * @throws StoreException if the store did not say
     */
    default List<String> members() throws StoreException {
        return List.of();
    }

    /**
     * Says who else is told of changes from now on. Called before the first certificate is served.
     *
     * @param news whom to tell
     */
    default void follow(News news) {
        // There is none.
    }
}
