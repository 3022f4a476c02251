package org.ondemandtls.command;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.ondemandtls.authority.AccountFiles;
import org.ondemandtls.authority.StoredSecrets;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.issuance.RenewalTime;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.CertificateStore;
import org.ondemandtls.store.Hold;
import org.ondemandtls.store.OpenOrder;
import org.ondemandtls.store.StoreException;
import org.ondemandtls.store.StoredCertificate;

/**
 * Brings certificates into a store, from another store or from what another program keeps.
 *
 * <p>It can be broken off and run again at any time: what is there already is passed over. Of two certificates of one name
 * the one that is valid longer stays.
 *
 * <p><b>Threads.</b> Used by one thread; blocks.
 */
final class Import {

    private static final int PAGE = 1000;
    private static final int MOST_OTHER_HOLDS = 100_000;

    /** A file of an account: its key, its URL, and so on, told apart by what follows the first dot. */
    private static final Pattern OF_ACCOUNT = Pattern.compile("(accounts/[^/.]+)\\..+");

    private final CertificateStore target;
    private final Clock clock;
    private final DoubleSupplier random;
    private final PrintStream out;
    private int brought;
    private int there;
    private int passedOver;
    private int namesLeftOut;
    private int accountsLeftOut;

    Import(CertificateStore target, Clock clock, DoubleSupplier random, PrintStream out) {
        this.target = target;
        this.clock = clock;
        this.random = random;
        this.out = out;
    }

    /**
     * Brings everything another store holds: certificates, open orders, what CAs refused, account keys and the internal
     * CA. What was counted against budgets stays behind: the CA itself counts on.
     */
    void from(CertificateStore source) throws StoreException {
        // An account's key comes last: where it is, the account is whole.
        List<String> paths = source.secretPaths().stream()
                .sorted(Comparator.comparing(Import::isAccountKey))
                .toList();
        for (String path : paths) {
            Optional<byte[]> content = source.readSecret(path);
            if (content.isPresent()
                    && !hasAccountOf(path, content.get())
                    && target.readSecret(path).isEmpty()) {
                // A URL or a certificate is for people and tools to read, whatever the store encrypts.
                boolean secret = new String(content.get(), StandardCharsets.ISO_8859_1).contains("PRIVATE KEY");
                target.writeFirst(path, content.get(), secret);
                out.println("brought  " + path);
            }
        }
        source.visitAll(certificate -> bring(certificate, "store"));
        for (OpenOrder order : source.openOrders()) {
            if (target.openOrder(order.name()).isEmpty()) {
                target.journal(order);
                out.println("brought  the open order of " + order.name());
            }
        }
        for (Class<? extends Scope.OfName> kind :
                List.of(Scope.TakenAway.class, Scope.Withdrawn.class, Scope.Name.class)) {
            String after = "";
            List<Hold> page;
            do {
                page = source.namesHeld(kind, after, PAGE);
                bring(page);
                after = page.isEmpty() ? "" : nameOf(page.get(page.size() - 1));
            } while (page.size() == PAGE);
        }
        List<Hold> others = source.holds(MOST_OTHER_HOLDS);
        bring(others.stream()
                .filter(hold -> !(hold.scope() instanceof Scope.OfName))
                .toList());
        if (others.size() == MOST_OTHER_HOLDS) {
            out.println("left out what CAs asked to wait for, beyond " + MOST_OTHER_HOLDS + "; they say it again");
        }
        total();
    }

    private static String nameOf(Hold hold) {
        return hold.scope() instanceof Scope.OfName named ? named.name().value() : "";
    }

    private void bring(List<Hold> holds) throws StoreException {
        for (Hold hold : holds) {
            if (target.hold(hold.scope()).isEmpty()) {
                target.keepHold(hold);
            }
        }
    }

    // What is kept of one account says nothing of another, least of all that it is deactivated.
    private boolean hasAccountOf(String path, byte[] content) throws StoreException {
        Optional<String> key = accountKey(path);
        Optional<byte[]> there = key.isPresent() ? target.readSecret(key.get()) : Optional.empty();
        if (there.isPresent() && isAccountKey(path) && !Arrays.equals(there.get(), content)) {
            out.println("left out the account of " + path + ": the store has another with the same CA");
        }
        return there.isPresent();
    }

    private static boolean isAccountKey(String path) {
        return accountKey(path).filter(path::equals).isPresent();
    }

    private static Optional<String> accountKey(String path) {
        Matcher file = OF_ACCOUNT.matcher(path);
        return file.matches() ? Optional.of(file.group(1) + ".pem") : Optional.empty();
    }

    /** Brings the certificates and the accounts that another program keeps. */
    void from(ForeignStorage source) throws IOException, StoreException {
        Instant now = clock.instant();
        ForeignStorage.Visitor visitor = new ForeignStorage.Visitor() {
            @Override
            public void found(FoundCertificate found, String where) throws IOException {
                found.remark().ifPresent(remark -> out.println("changed  the chain of " + where + ": " + remark));
                Instant renew = RenewalTime.byLifetime(found.certificate(), random);
                try {
                    bring(
                            StoredCertificate.obtained(
                                    found.certificate(),
                                    found.issuer(),
                                    found.certificate().notBefore(),
                                    renew),
                            where);
                } catch (StoreException e) {
                    throw new IOException(e.getMessage(), e);
                }
                found.unservable().forEach(name -> {
                    namesLeftOut++;
                    out.println("left out the name " + name + " of " + where + ": no server can serve it");
                });
            }

            @Override
            public void passedOver(String where, String why) {
                passedOver++;
                out.println("left out " + where + ": " + why);
            }

            @Override
            public void account(FoundAccount account, String where) throws IOException {
                bring(account, where);
            }
        };
        source.visit(now, visitor);
        source.visitAccounts(visitor);
        total();
    }

    // Whoever has an account with the CA keeps it.
    private void bring(FoundAccount account, String where) throws IOException {
        AccountFiles files = new AccountFiles(new StoredSecrets(target), account.directory());
        if (files.has(account.key())) {
            out.println("the account with " + account.directory() + " of " + where + " was there already");
        } else if (files.bringAlong(account.key(), account.url())) {
            out.println("brought  the account with " + account.directory()
                    + account.url().map(url -> ", " + url).orElse(", whose URL is asked for by its key"));
        } else {
            accountsLeftOut++;
            out.println("left out the account of " + where + ": the store has another with " + account.directory());
        }
    }

    private void bring(StoredCertificate found, String where) throws StoreException {
        KeyedCertificate certificate = found.certificate();
        Optional<StoredCertificate> before = stored(found.firstName());
        if (before.isPresent()) {
            if (before.get().certificate().leaf().equals(certificate.leaf())) {
                there++;
                return;
            }
            if (!before.get().certificate().notAfter().isBefore(certificate.notAfter())) {
                passedOver++;
                out.println(
                        "left out " + where + ": the store has one for " + found.firstName() + " that is valid longer");
                return;
            }
        }
        if (certificate.notAfter().isBefore(clock.instant())) {
            passedOver++;
            out.println("left out " + where + ": " + certificate.id() + " expired at " + certificate.notAfter());
            return;
        }
        target.save(found.withRevision(before.map(StoredCertificate::revision).orElse(0L)));
        brought++;
        out.println("brought  " + String.join(" ", certificate.names()) + ", valid until " + certificate.notAfter()
                + (certificate.names().stream().anyMatch(name -> name.startsWith("*"))
                        ? "; a wildcard is served, not renewed"
                        : ""));
    }

    // Under its first name itself, which may be a wildcard.
    private Optional<StoredCertificate> stored(String firstName) throws StoreException {
        return target.find(ServerName.answeredBy(firstName))
                .filter(stored -> stored.firstName().equals(firstName));
    }

    private void total() {
        out.println(brought + " certificates brought, " + there + " were there already, " + passedOver + " left out");
    }

    /** Whether something could not be brought. */
    boolean isIncomplete() {
        return passedOver > 0 || namesLeftOut > 0 || accountsLeftOut > 0;
    }
}
