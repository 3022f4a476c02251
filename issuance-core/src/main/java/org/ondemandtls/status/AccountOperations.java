package org.ondemandtls.status;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.ondemandtls.authority.AccountAdmin;
import org.ondemandtls.authority.Authority;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.config.PublicCa;
import org.ondemandtls.event.Events;
import org.ondemandtls.event.Figure;
import org.ondemandtls.status.Operations.Outcome;
import org.ondemandtls.store.StoreException;

/**
 * What an operator may have done with the accounts at the CAs: another key, an end, another account.
 *
 * <p><b>Threads.</b> Safe for many; every method blocks for the CA and the store.
 */
public final class AccountOperations {

    private final List<Authority> authorities;
    private final Events events;

    AccountOperations(List<Authority> authorities, Events events) {
        this.authorities = List.copyOf(authorities);
        this.events = events;
    }

    /**
     * Gives the account another key.
     *
     * @param ca the CA's directory or alias; may be empty where there is one CA
     * @return what was done
     */
    public Outcome rollOver(String ca) {
        return done("account-rollover", ca, AccountAdmin::rollOver);
    }

    /**
     * Closes the account for good; nothing is obtained at the CA until {@link #register}.
     *
     * @param ca the CA's directory or alias; may be empty where there is one CA
     * @return what was done
     */
    public Outcome deactivate(String ca) {
        return done("account-deactivate", ca, AccountAdmin::deactivate);
    }

    /**
     * Makes another account in place of one that was deactivated.
     *
     * @param ca the CA's directory or alias; may be empty where there is one CA
     * @return what was done
     */
    public Outcome register(String ca) {
        return done("account-register", ca, AccountAdmin::register);
    }

    /**
     * Does what a word says: rollover, deactivate or register.
     *
     * @param word the word
     * @param ca the CA's directory or alias; may be empty where there is one CA
     * @return what was done; empty where there is no such word
     */
    public Optional<Outcome> command(String word, String ca) {
        return switch (word) {
            case "rollover" -> Optional.of(rollOver(ca));
            case "deactivate" -> Optional.of(deactivate(ca));
            case "register" -> Optional.of(register(ca));
            default -> Optional.empty();
        };
    }

    /**
     * How an account stands that an operator has deactivated, in one sentence; empty where it is not.
     *
     * @param authority the CA
     * @throws StoreException if the store did not say
     */
    static Optional<String> standing(Authority authority) throws StoreException {
        Optional<AccountAdmin> account = authority.account();
        if (account.isEmpty()) {
            return Optional.empty();
        }
        try {
            return account.get()
                    .deactivated()
                    .map(since -> "The account was deactivated by an operator (" + since
                            + "); nothing is obtained until another is registered.");
        } catch (IOException e) {
            throw new StoreException(String.valueOf(e.getMessage()), e);
        }
    }

    private Outcome done(String word, String ca, Work work) {
        events.figures().count(Figure.COMMAND, word);
        Optional<Authority> authority = find(authorities, ca.strip());
        Optional<AccountAdmin> account = authority.flatMap(Authority::account);
        if (account.isEmpty()) {
            return new Outcome(
                    false,
                    authority.isPresent()
                            ? "nothing done: " + authority.get().id() + " has no accounts"
                            : "nothing done: name one of "
                                    + authorities.stream().map(Authority::id).toList());
        }
        try {
            return new Outcome(true, work.run(account.get()));
        } catch (IssuanceException e) {
            return new Outcome(false, "not done: " + e.what());
        }
    }

    /**
     * The CA that an operator means.
     *
     * @param authorities the CAs there are
     * @param ca a directory or an alias; may be empty where there is one CA
     * @return empty where there is no such CA
     */
    static Optional<Authority> find(List<Authority> authorities, String ca) {
        if (ca.isEmpty()) {
            return authorities.size() == 1 ? Optional.of(authorities.get(0)) : Optional.empty();
        }
        String id = PublicCa.named(ca).map(one -> one.directory().toString()).orElse(ca);
        return authorities.stream().filter(one -> one.id().equals(id)).findFirst();
    }

    private interface Work {
        String run(AccountAdmin account) throws IssuanceException;
    }
}
