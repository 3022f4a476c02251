package org.ondemandtls.issuance;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
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
 * <p>What the CA counts is counted here, when the CA counts it: an order when it is placed, a certificate when it is issued,
 * a failed validation when it fails. Of the account's orders one half belongs to renewals and one to new names, so that
 * neither starves the other.
 *
 * <p><b>Threads.</b> Safe for use by many threads; called on the order executor, blocks for the ledger.
 */
public final class Budget {

    /** What the orders are called that only new names count against. */
    public static final String FOR_NEW_NAMES = "orders for new names";

    /** What the orders are called that only renewals count against. */
    public static final String FOR_RENEWALS = "orders for renewals";

    /** What the name of the budget of failed validations of a name begins with; the only one that counts every order. */
    public static final String FAILED_OF = "failed validations of ";

    /** Those of one CA. */
    record Rules(Allowance orders, Allowance domain, Allowance name, Allowance failures) {}

    private static final int MOST_PARDONED = 10_000;
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final Duration HOUR = Duration.ofHours(1);
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
    // Certificates that may yet be issued, under the keys they will count under.
    private final ConcurrentMap<String, Integer> underWay = new ConcurrentHashMap<>();
    private final Cache<ServerName, Boolean> pardoned =
            Caffeine.newBuilder().maximumSize(MOST_PARDONED).build();

    /** What the CA does not count of an order. */
    enum Exemption {
        /** Nothing. */
        NONE,
        /** A certificate of exactly the same names was issued before: neither the order nor the domain is. */
        SAME_NAMES,
        /** It is told which certificate is replaced, for the first time (RFC 9773 section 5): nothing is. */
        REPLACES
    }

    /**
     * What was reserved for one order.
     *
     * @param order given back where no order was placed; empty where nothing was counted
     * @param certificate the keys a certificate counts under once it is issued, with their windows
     */
    record Reservation(Optional<Ledger.Ticket> order, Map<String, Duration> certificate) {
        static final Reservation NONE = new Reservation(Optional.empty(), Map.of());
    }

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
     * The registered domain of a name, by the list that the operator gave or that comes along; reads the list the first
     * time.
     *
     * @param name the name
     */
    public String registeredDomain(ServerName name) {
        return suffixes.get().registeredDomain(name);
    }

    /**
     * Counts an order before it is placed, and makes sure that its certificate will fit.
     *
     * @param issuer the {@code id()} of the CA
     * @param name the name ordered
     * @param purpose whether it is the first certificate or a successor
     * @param exemption what the CA does not count
     * @return what was reserved, to be ended by {@link #issued} or {@link #notIssued}
     * @throws IssuanceException.OverBudget if it does not fit now, with the time it will
     * @throws StoreException if the ledger did not answer
     */
    Reservation reserve(String issuer, ServerName name, Purpose purpose, Exemption exemption)
            throws IssuanceException.OverBudget, StoreException {
        Rules own = rules.getOrDefault(issuer, UNLIMITED);
        List<Quota> counted = new ArrayList<>();
        List<Quota> checked = new ArrayList<>();
        if (exemption == Exemption.NONE) {
            half(own.orders(), issuer, purpose).ifPresent(counted::add);
        }
        Map<String, Rate> certificate = certificate(issuer, name, exemption);
        boolean hadPardon = pardoned.asMap().remove(name) != null;
        if (own.failures() instanceof Rate most && !hadPardon) {
            checked.add(quota(failuresKey(issuer, name), most));
        }
        certificate.forEach((key, most) -> checked.add(new Quota(
                key, Math.max(0, most.count() - underWay.merge(key, 1, Integer::sum) + 1), most.per())));
        boolean reserved = false;
        try {
            if (counted.isEmpty() && checked.isEmpty()) {
                return Reservation.NONE;
            }
            Outcome outcome = ledger.reserve(counted, checked);
            if (outcome instanceof Outcome.Spent spent) {
                throw over(name, spent, certificate.get(spent.quota().key()));
            }
            reserved = true;
            Map<String, Duration> windows = new HashMap<>();
            certificate.forEach((key, most) -> windows.put(key, most.per()));
            return new Reservation(
                    outcome instanceof Outcome.Reserved made && !counted.isEmpty()
                            ? Optional.of(made.ticket())
                            : Optional.empty(),
                    Map.copyOf(windows));
        } finally {
            if (!reserved) {
                certificate.keySet().forEach(this::landed);
            }
        }
    }

    /**
     * What counts for the certificate of an order that was placed before, by an earlier life perhaps; nothing is refused.
     *
     * @param issuer the {@code id()} of the CA
     * @param name the name ordered
     * @param exemption what the CA does not count
     */
    Reservation resumed(String issuer, ServerName name, Exemption exemption) {
        Map<String, Duration> windows = new HashMap<>();
        certificate(issuer, name, exemption).forEach((key, most) -> {
            underWay.merge(key, 1, Integer::sum);
            windows.put(key, most.per());
        });
        return new Reservation(Optional.empty(), Map.copyOf(windows));
    }

    /** Counts the certificate an order has ended in. */
    void issued(Reservation reservation) throws StoreException {
        try {
            for (Map.Entry<String, Duration> counts : reservation.certificate().entrySet()) {
                ledger.count(counts.getKey(), counts.getValue());
            }
        } finally {
            reservation.certificate().keySet().forEach(this::landed);
        }
    }

    /**
     * Takes back what was reserved for an order that has not ended in a certificate.
     *
     * @param reservation what was reserved
     * @param placed whether the CA has the order, which then counts
     */
    void notIssued(Reservation reservation, boolean placed) throws StoreException {
        reservation.certificate().keySet().forEach(this::landed);
        if (!placed && reservation.order().isPresent()) {
            ledger.giveBack(reservation.order().get());
        }
    }

    /** Counts a validation that failed, at any CA: see {@link #untilFailuresFit}. */
    void authorizationFailed(String issuer, ServerName name) throws StoreException {
        String key = failuresKey(issuer, name);
        Duration window = rules.getOrDefault(issuer, UNLIMITED).failures() instanceof Rate most
                        && most.per().compareTo(HOUR) > 0
                ? most.per()
                : HOUR;
        if (Ledger.isKey(key)) {
            ledger.count(key, window);
        }
    }

    /**
     * How long until so many more failed validations of a name fit into an hour, whichever servers caused those before.
     *
     * @param issuer the {@code id()} of the CA
     * @param name the name
     * @param more how many the next order may cost
     * @param most how many fit
     * @return zero where they fit now
     * @throws StoreException if the ledger did not answer
     */
    Duration untilFailuresFit(String issuer, ServerName name, int more, int most) throws StoreException {
        String key = failuresKey(issuer, name);
        if (!Ledger.isKey(key)) {
            return Duration.ZERO;
        }
        Quota room = new Quota(key, Math.max(1, most - more + 1), HOUR);
        Duration wait = ledger.reserve(List.of(), List.of(room)) instanceof Outcome.Spent spent
                ? Duration.between(clock.instant(), spent.fits())
                : Duration.ZERO;
        return wait.isNegative() ? Duration.ZERO : wait;
    }

    /**
     * How far the budgets of a CA's account are used up; blocks for the ledger.
     *
     * @param issuer the {@code id()} of the CA
     * @return empty where nothing is counted
     * @throws StoreException if the ledger did not answer
     */
    public List<BudgetUse> used(String issuer) throws StoreException {
        Allowance orders = rules.getOrDefault(issuer, UNLIMITED).orders();
        List<BudgetUse> uses = new ArrayList<>();
        for (Purpose purpose : List.of(Purpose.OBTAIN, Purpose.RENEW)) {
            Optional<Quota> half = half(orders, issuer, purpose);
            if (half.isPresent()) {
                uses.add(use(purpose == Purpose.RENEW ? FOR_RENEWALS : FOR_NEW_NAMES, half.get()));
            }
        }
        return uses;
    }

    /**
     * How far the budgets of one name at a CA are used up; blocks for the ledger.
     *
     * @param issuer the {@code id()} of the CA
     * @param name the name
     * @return empty where nothing is counted
     * @throws StoreException if the ledger did not answer
     */
    public List<BudgetUse> used(String issuer, ServerName name) throws StoreException {
        List<BudgetUse> uses = new ArrayList<>();
        for (Map.Entry<String, Rate> one :
                certificate(issuer, name, Exemption.NONE).entrySet()) {
            String whose = one.getKey().startsWith("domain|") ? registeredDomain(name) : name.value();
            uses.add(use("certificates of " + whose, quota(one.getKey(), one.getValue())));
        }
        if (rules.getOrDefault(issuer, UNLIMITED).failures() instanceof Rate most) {
            uses.add(use(FAILED_OF + name, quota(failuresKey(issuer, name), most)));
        }
        return uses;
    }

    private BudgetUse use(String what, Quota quota) throws StoreException {
        int used = ledger.used(quota.key(), quota.window());
        // Only what is used up has a moment, and costs another question.
        Optional<Instant> free =
                used >= quota.most() && ledger.reserve(List.of(), List.of(quota)) instanceof Outcome.Spent spent
                        ? Optional.of(spent.fits())
                        : Optional.empty();
        return new BudgetUse(what, quota.most(), words(quota.window()), used, free);
    }

    /** Has the next order for a name placed whatever failed before: an operator says that it will be validated now. */
    void pardon(ServerName name) {
        pardoned.put(name, true);
    }

    private Map<String, Rate> certificate(String issuer, ServerName name, Exemption exemption) {
        Rules own = rules.getOrDefault(issuer, UNLIMITED);
        Map<String, Rate> counts = new LinkedHashMap<>();
        if (exemption == Exemption.NONE && own.domain() instanceof Rate most) {
            counts.put(domainKey(issuer, name), most);
        }
        if (exemption != Exemption.REPLACES && own.name() instanceof Rate most) {
            counts.put("name|" + issuer + '|' + name, most);
        }
        return counts;
    }

    private void landed(String key) {
        underWay.computeIfPresent(key, (k, count) -> count == 1 ? null : count - 1);
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
        return "domain|" + issuer + '|' + registeredDomain(name);
    }

    private static String failuresKey(String issuer, ServerName name) {
        return "failures|" + issuer + '|' + name;
    }

    // A certificate's own quota may be narrowed by those under way, which end soon.
    private IssuanceException.OverBudget over(ServerName name, Outcome.Spent spent, @Nullable Rate whole)
            throws StoreException {
        Quota quota = spent.quota();
        String key = quota.key();
        ConfigKey bound = key.startsWith("orders")
                ? ConfigKey.BUDGET_ORDERS
                : key.startsWith("domain")
                        ? ConfigKey.BUDGET_DOMAIN
                        : key.startsWith("failures") ? ConfigKey.BUDGET_FAILURES : ConfigKey.BUDGET_NAME;
        int most = whole == null ? quota.most() : whole.count();
        String words = most + " in " + words(quota.window()) + " are used up (" + bound.key() + ")";
        if (most > quota.most() && ledger.used(key, quota.window()) < most) {
            return new IssuanceException.OverBudget(name, words + " once the orders under way end", SOON);
        }
        Duration wait = Duration.between(clock.instant(), spent.fits());
        Duration left = wait.isNegative() ? Duration.ZERO : wait;
        String which = words + ", it fits again at " + spent.fits();
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
