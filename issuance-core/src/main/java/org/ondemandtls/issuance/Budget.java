package org.ondemandtls.issuance;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.config.ConfigKey;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.config.OnDemandTlsConfig.Allowance;
import org.ondemandtls.config.Rate;
import org.ondemandtls.name.PublicSuffixes;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.permission.PermissionPolicy.Purpose;
import org.ondemandtls.store.Ledger;
import org.ondemandtls.store.Ledger.Outcome;
import org.ondemandtls.store.Ledger.Quota;
import org.ondemandtls.store.StoreException;

/**
 * What each CA may be asked for over time, reckoned from the ledger: orders of the account, certificates per registered
 * domain and per name, failed validations per name.
 *
 * <p>Of the account's orders one half belongs to renewals and one to new names, so that neither starves the other. A
 * renewal that the CA does not count is not counted here.
 *
 * <p><b>Threads.</b> Safe for use by many threads; called on the order executor, blocks for the ledger.
 */
public final class Budget {

    /** Those of one CA. */
    record Rules(Allowance orders, Allowance domain, Allowance name, Allowance failures) {}

    private static final Allowance NONE = new Allowance.Unlimited();
    private static final Rules UNLIMITED = new Rules(NONE, NONE, NONE, NONE);
    private static final Rules LETS_ENCRYPT = new Rules(per(300, 3), per(50, 7 * 24), per(5, 7 * 24), per(5, 1));
    private static final Rules LETS_ENCRYPT_STAGING =
            new Rules(per(1_500, 3), per(30_000, 7 * 24), per(30_000, 7 * 24), per(200, 1));
    // The other public CAs publish no figures that could be kept to: their own answers are, see CaStanding.
    private static final Map<String, Rules> PUBLISHED =
            Map.of("letsencrypt", LETS_ENCRYPT, "letsencrypt-staging", LETS_ENCRYPT_STAGING);

    private final Ledger ledger;
    private final Supplier<PublicSuffixes> suffixes;
    private final Map<String, Rules> rules;
    private final Clock clock;

    /**
     * Budgets by rules.
     *
     * @param ledger counts
     * @param suffixes says what a registered domain is; asked only where that matters
     * @param rules those of each issuer that has any, by its {@code id()}
     * @param clock tells how long it is until something fits
     */
    Budget(Ledger ledger, Supplier<PublicSuffixes> suffixes, Map<String, Rules> rules, Clock clock) {
        this.ledger = ledger;
        this.suffixes = suffixes;
        this.rules = Map.copyOf(rules);
        this.clock = clock;
    }

    /**
     * Budgets as the operator configured them.
     *
     * @param ledger counts
     * @param config what the operator said
     * @param clock tells how long it is until something fits
     * @throws IOException if the operator's public suffix list cannot be read any more
     */
    public static Budget of(Ledger ledger, OnDemandTlsConfig config, Clock clock) throws IOException {
        Map<String, Rules> rules = new HashMap<>();
        if (config.issuer() == OnDemandTlsConfig.Issuer.ACME) {
            for (OnDemandTlsConfig.Directory directory : config.acme().directories()) {
                Rules published = directory.alias().map(PUBLISHED::get).orElse(UNLIMITED);
                rules.put(directory.url().toString(), configured(config.budget(), published));
            }
        }
        if (config.budget().publicSuffixes().isEmpty()) {
            return new Budget(ledger, PublicSuffixes::bundled, rules, clock);
        }
        PublicSuffixes newer = PublicSuffixes.read(new ByteArrayInputStream(
                Files.readAllBytes(config.budget().publicSuffixes().get())));
        return new Budget(ledger, () -> newer, rules, clock);
    }

    /**
     * Reads the public suffix list where an order will need it, so that no visitor waits for that; blocks.
     *
     * @return how many suffixes are known, 0 where none will be needed
     */
    public int prepare() {
        boolean needed = rules.values().stream().anyMatch(own -> own.domain() instanceof Rate);
        return needed ? suffixes.get().size() : 0;
    }

    /**
     * Counts an order before it is placed.
     *
     * @param issuer the {@code id()} of the CA
     * @param name the name ordered
     * @param purpose whether it is the first certificate or a successor
     * @param exempt whether the CA does not count it (RFC 9773 section 5)
     * @return what to give back where no order was placed; empty where nothing was counted
     * @throws IssuanceException.OverBudget if it does not fit now, with the time it will
     * @throws StoreException if the ledger did not answer
     */
    Optional<Ledger.Ticket> reserve(String issuer, ServerName name, Purpose purpose, boolean exempt)
            throws IssuanceException.OverBudget, StoreException {
        Rules own = rules.getOrDefault(issuer, UNLIMITED);
        List<Quota> counted = new ArrayList<>();
        List<Quota> checked = new ArrayList<>();
        if (!exempt) {
            half(own.orders(), issuer, purpose).ifPresent(counted::add);
            if (own.domain() instanceof Rate most) {
                counted.add(quota(domainKey(issuer, name), most));
            }
            if (own.name() instanceof Rate most) {
                counted.add(quota("name|" + issuer + '|' + name, most));
            }
        }
        if (own.failures() instanceof Rate most) {
            checked.add(quota(failuresKey(issuer, name), most));
        }
        if (counted.isEmpty() && checked.isEmpty()) {
            return Optional.empty();
        }
        Outcome outcome = ledger.reserve(counted, checked);
        if (outcome instanceof Outcome.Spent spent) {
            throw over(name, spent);
        }
        return outcome instanceof Outcome.Reserved reserved && !counted.isEmpty()
                ? Optional.of(reserved.ticket())
                : Optional.empty();
    }

    /** Takes back what was counted for an order that was not placed. */
    void giveBack(Ledger.Ticket ticket) throws StoreException {
        ledger.giveBack(ticket);
    }

    /** Counts a validation that failed. */
    void authorizationFailed(String issuer, ServerName name) throws StoreException {
        if (rules.getOrDefault(issuer, UNLIMITED).failures() instanceof Rate most) {
            ledger.count(failuresKey(issuer, name), most.per());
        }
    }

    // A budget of an odd number leaves the one over to new names.
    private static Optional<Quota> half(Allowance orders, String issuer, Purpose purpose) {
        if (!(orders instanceof Rate most)) {
            return Optional.empty();
        }
        boolean renewal = purpose == Purpose.RENEW;
        int half = renewal ? most.count() / 2 : most.count() - most.count() / 2;
        return Optional.of(new Quota("orders|" + issuer + (renewal ? "|renew" : "|obtain"), half, most.per()));
    }

    private String domainKey(String issuer, ServerName name) {
        return "domain|" + issuer + '|' + suffixes.get().registeredDomain(name);
    }

    private static String failuresKey(String issuer, ServerName name) {
        return "failures|" + issuer + '|' + name;
    }

    private IssuanceException.OverBudget over(ServerName name, Outcome.Spent spent) {
        Quota quota = spent.quota();
        String key = quota.key();
        ConfigKey bound = key.startsWith("orders")
                ? ConfigKey.BUDGET_ORDERS
                : key.startsWith("domain")
                        ? ConfigKey.BUDGET_DOMAIN
                        : key.startsWith("failures") ? ConfigKey.BUDGET_FAILURES : ConfigKey.BUDGET_NAME;
        Instant now = clock.instant();
        Duration wait = Duration.between(now, spent.fits());
        String which = quota.most() + " in " + words(quota.window()) + " are used up (" + bound.key()
                + "), it fits again at " + spent.fits();
        Duration left = wait.isNegative() ? Duration.ZERO : wait;
        return bound == ConfigKey.BUDGET_ORDERS
                ? IssuanceException.OverBudget.ofAll(name, which, left)
                : new IssuanceException.OverBudget(name, which, left);
    }

    private static Quota quota(String key, Rate most) {
        return new Quota(key, most.count(), most.per());
    }

    // In the largest unit that leaves no rest.
    private static String words(Duration window) {
        if (window.equals(Duration.ofDays(window.toDays()))) {
            return window.toDays() + " d";
        }
        if (window.equals(Duration.ofHours(window.toHours()))) {
            return window.toHours() + " h";
        }
        if (window.equals(Duration.ofMinutes(window.toMinutes()))) {
            return window.toMinutes() + " min";
        }
        return window.equals(Duration.ofSeconds(window.toSeconds()))
                ? window.toSeconds() + " s"
                : window.toMillis() + " ms";
    }

    private static Rules configured(OnDemandTlsConfig.Budget budget, Rules published) {
        return new Rules(
                configured(budget.orders(), published.orders()),
                configured(budget.domain(), published.domain()),
                configured(budget.name(), published.name()),
                configured(budget.failures(), published.failures()));
    }

    private static Allowance configured(Allowance own, Allowance published) {
        return own instanceof Allowance.Automatic ? published : own;
    }

    private static Allowance per(int most, int hours) {
        return new Rate(most, Duration.ofHours(hours));
    }
}
