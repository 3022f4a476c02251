package org.ondemandtls.authority;

import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.time.Clock;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.name.ServerName;
import org.shredzone.acme4j.exception.AcmeException;

/** What an operator may have done with the account at an ACME CA. */
final class CaAccountAdmin implements AccountAdmin {

    private static final Duration AGAIN = Duration.ofMinutes(1);

    /** What is done over one session by an operator's order, within an order's time. */
    interface Work<T> {

        /** Does it. */
        T run(CaSession session) throws AcmeException, IOException, InterruptedException;
    }

    /** Lends a session of the CA's. */
    interface Sessions {

        /** Does some work over a session and says who must act where that fails. */
        <T> T with(ServerName name, Work<T> work) throws IssuanceException;
    }

    private final CaAccount account;
    private final URI directory;
    private final Clock clock;
    private final Sessions sessions;

    CaAccountAdmin(CaAccount account, URI directory, Clock clock, Sessions sessions) {
        this.account = account;
        this.directory = directory;
        this.clock = clock;
        this.sessions = sessions;
    }

    /** What is told of an account that is deactivated. */
    static IssuanceException deactivated(ServerName name, URI directory, String since) {
        return new IssuanceException.RefusesAll(
                name,
                "an operator has deactivated the account at " + directory + " (" + since
                        + "): nothing is obtained there until another account is registered (account register)",
                AGAIN);
    }

    @Override
    public String rollOver() throws IssuanceException {
        requireActive();
        URL url = with(account::rollOver);
        return "the account " + url + " has another key";
    }

    @Override
    public String deactivate() throws IssuanceException {
        String now = clock.instant().truncatedTo(ChronoUnit.SECONDS).toString();
        URL url;
        try {
            url = with(session -> account.deactivate(session, now));
        } catch (IssuanceException.Stopping | IssuanceException.StoreFailed e) {
            throw e;
        } catch (IssuanceException e) {
            throw isBegun() ? unanswered(e) : e;
        }
        return "the account " + url + " is deactivated; nothing is obtained at " + directory
                + " until another account is registered";
    }

    @Override
    public String register() throws IssuanceException {
        try {
            if (account.deactivated().isEmpty()) {
                throw new IssuanceException.Unavailable(
                        AcmeAuthority.NOBODY,
                        "the account at " + directory + " is not deactivated: deactivate it first",
                        Duration.ZERO,
                        null);
            }
        } catch (IOException e) {
            throw AcmeAuthority.storeFailed(AcmeAuthority.NOBODY, e);
        }
        URL url = with(account::register);
        return "made the account " + url + " at " + directory;
    }

    @Override
    public Optional<String> deactivated() throws IOException {
        return account.deactivated();
    }

    private boolean isBegun() throws IssuanceException {
        try {
            return account.deactivated().isPresent();
        } catch (IOException e) {
            throw AcmeAuthority.storeFailed(AcmeAuthority.NOBODY, e);
        }
    }

    private IssuanceException unanswered(IssuanceException failure) {
        return new IssuanceException.Unavailable(
                AcmeAuthority.NOBODY,
                failure.what() + "; nothing is obtained at " + directory
                        + " meanwhile: run account deactivate again until the CA has answered",
                failure.retryAfter(),
                failure);
    }

    private URL with(Work<URL> work) throws IssuanceException {
        return sessions.with(AcmeAuthority.NOBODY, work);
    }

    private void requireActive() throws IssuanceException {
        try {
            Optional<String> since = account.deactivated();
            if (since.isPresent()) {
                throw deactivated(AcmeAuthority.NOBODY, directory, since.get());
            }
        } catch (IOException e) {
            throw AcmeAuthority.storeFailed(AcmeAuthority.NOBODY, e);
        }
    }
}
