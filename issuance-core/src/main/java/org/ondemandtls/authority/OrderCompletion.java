package org.ondemandtls.authority;

import java.net.URL;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.ondemandtls.certificate.ChainOrder;
import org.ondemandtls.certificate.IssuanceException;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.event.EventKind;
import org.shredzone.acme4j.Authorization;
import org.shredzone.acme4j.Certificate;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.Order;
import org.shredzone.acme4j.Status;
import org.shredzone.acme4j.exception.AcmeException;
import org.shredzone.acme4j.exception.AcmeLazyLoadingException;
import org.shredzone.acme4j.exception.AcmeProtocolException;
import org.shredzone.acme4j.exception.AcmeServerException;
import org.shredzone.acme4j.toolbox.JSON;
import org.shredzone.acme4j.toolbox.JSONBuilder;

/**
 * Takes an order whose names are proved to its chain: from the request for the certificate to its download.
 *
 * <p><b>Threads.</b> Used by the one thread that works on the order, which it blocks.
 *
 * @param tools what every flow works with
 * @param session the line to the CA
 * @param login the account
 * @param wanted what is to be signed
 * @param journal kept before the CA is told to finalize
 * @param waits waits within the order's time
 */
record OrderCompletion(
        OrderFlow.Tools tools,
        CaSession session,
        Login login,
        Authority.Order wanted,
        DeferredJournal journal,
        OrderWaits waits) {

    /** More authorizations than one name can need. */
    static final int MOST_AUTHORIZATIONS = 4;

    /** An order nothing has gone wrong with. */
    static final Set<Status> GOING_ON = Set.of(Status.PENDING, Status.READY, Status.PROCESSING, Status.VALID);

    /** What a CA without a better word says of a request it does not take yet. */
    private static final Set<String> OF_ANY_REASON = Set.of("malformed", "unauthorized", "unknown");

    /** More chains than a CA offers for one leaf. */
    private static final int MOST_CHAINS = 8;

    /**
     * Goes on from where the order stands.
     *
     * @param order pending with all proofs accepted, or further
     * @return the chain as the CA sent it
     */
    List<X509Certificate> run(Order order) throws AcmeException, IssuanceException, InterruptedException {
        URL certificate;
        try (Steps.Running finalizing = tools.steps().begin(Steps.Step.FINALIZE, wanted.name())) {
            certificate = issued(order, finalizing);
        }
        return download(certificate);
    }

    private URL issued(Order order, Steps.Running finalizing)
            throws AcmeException, IssuanceException, InterruptedException {
        JSON state = order.getJSON();
        Status status = status(state);
        // Not known to come from before: how long the CA takes is not learned from an order that was finalized earlier.
        Optional<Pace> learning = Optional.empty();
        if (status == Status.PENDING || status == Status.READY) {
            journal.keep();
            state = finalizeWhenReady(order);
            learning = Optional.of(tools.paces().issuance().begin());
        }
        Pace pace = learning.orElseGet(() -> tools.paces().seldom().begin());
        while (true) {
            Optional<URL> certificate = state.get("certificate").map(JSON.Value::asURL);
            status = status(state);
            if (status == Status.VALID && certificate.isPresent()) {
                learning.ifPresent(Pace::done);
                if (learning.isPresent()) {
                    finalizing.done();
                } else {
                    finalizing.doneUncounted();
                }
                return certificate.get();
            }
            if (status == Status.INVALID) {
                throw refused(state);
            }
            if (!GOING_ON.contains(status)) {
                throw new AcmeProtocolException("the order has a status that is not known");
            }
            // Also valid without a certificate: some CAs say so a moment too early.
            waits.onlyTheCaIsAwaited();
            waits.pause(pace, "issued the certificate");
            order.fetch();
            state = order.getJSON();
        }
    }

    /** Whether a chain has a certificate for the key of the order. */
    boolean isOurs(List<X509Certificate> chain) {
        byte[] key = wanted.key().getPublic().getEncoded();
        return chain.stream()
                .map(X509Certificate::getPublicKey)
                .map(PublicKey::getEncoded)
                .anyMatch(each -> Arrays.equals(each, key));
    }

    // Some CAs say at the authorization only why an order is invalid, and some not at all, which is no fault of the
    // name.
    private IssuanceException refused(JSON state) {
        Optional<CaProblem> said = state.get("error")
                .map(JSON.Value::asObject)
                .map(CaProblem::of)
                .filter(problem -> !problem.saysNothing())
                .or(() -> ofAnAuthorization(state));
        return said.map(problem -> CaFailures.reported(wanted.name(), problem, session))
                .orElseGet(() -> new IssuanceException.Unavailable(
                        wanted.name(),
                        "the CA has made the order invalid and does not say why",
                        // Each costs the CA an order.
                        RetryAfter.LIMITED,
                        new UnexplainedException()));
    }

    private Optional<CaProblem> ofAnAuthorization(JSON state) {
        try {
            for (URL url : state.get("authorizations").asArray().stream()
                    .limit(MOST_AUTHORIZATIONS)
                    .map(JSON.Value::asURL)
                    .toList()) {
                Authorization authorization = login.bindAuthorization(url);
                authorization.fetch();
                if (authorization.getStatus() == Status.INVALID) {
                    journal.validationFailed();
                    return Optional.of(Validation.problemWithoutTokens(authorization.getJSON()));
                }
            }
            return Optional.empty();
        } catch (AcmeException | AcmeProtocolException | AcmeLazyLoadingException e) {
            // It stays unsaid.
            return Optional.empty();
        }
    }

    // All authorizations are valid, so the order is ready, or will be as soon as the CA has noticed.
    private JSON finalizeWhenReady(Order order) throws AcmeException, IssuanceException, InterruptedException {
        Pace pace = tools.paces().ready().begin();
        while (true) {
            boolean notReady;
            boolean mayBe;
            boolean repeated;
            AcmeServerException refusal;
            try {
                JSONBuilder claims = new JSONBuilder();
                claims.putBase64("csr", wanted.csr());
                Optional<JSON> state = session.tell(order.getFinalizeLocation(), claims, login)
                        .filter(answer -> answer.contains("status"));
                if (state.isPresent()) {
                    return state.get();
                }
                order.fetch();
                return order.getJSON();
            } catch (AcmeServerException e) {
                String type = CaProblem.of(e.getProblem()).type();
                notReady = type.equals("orderNotReady");
                // Some say so in other words; the order tells whether that is what they mean.
                mayBe = session.lastStatus() / 100 == 4 && OF_ANY_REASON.contains(type);
                // Where the answer to the first request was lost, the CA may have done what it refuses to do again.
                repeated = session.endurance().isRepeating();
                if (!notReady && !mayBe && !repeated) {
                    throw e;
                }
                refusal = e;
            }
            while (true) {
                waits.pause(pace, "made the order ready");
                order.fetch();
                boolean isPending = order.getStatus() == Status.PENDING;
                notReady |= mayBe && isPending;
                if (!notReady || !isPending) {
                    break;
                }
            }
            if (notReady) {
                pace.done();
            }
            if (order.getStatus() == Status.INVALID && mayBe && !notReady && !repeated) {
                throw refusal;
            }
            if (!Set.of(Status.PENDING, Status.READY).contains(order.getStatus())) {
                return order.getJSON();
            }
            if (!notReady) {
                throw refusal;
            }
        }
    }

    private List<X509Certificate> download(URL url) throws AcmeException {
        Certificate certificate = login.bindCertificate(url);
        try (Steps.Running downloading = tools.steps().begin(Steps.Step.DOWNLOAD, wanted.name())) {
            certificate.download();
            downloading.done();
        }
        List<X509Certificate> first = certificate.getCertificateChain();
        Optional<String> preferred = tools.preferredChain().filter(name -> !name.isEmpty());
        return Pem.sharingIssuers(preferred.isPresent() ? preferred(preferred.get(), first, certificate) : first);
    }

    // One that ends at that issuer. A cross-sign may lead on from it to another root: whoever names the
    // issuer does without that one.
    private List<X509Certificate> preferred(String issuer, List<X509Certificate> first, Certificate certificate) {
        List<List<X509Certificate>> chains = new ArrayList<>(List.of(first));
        Iterator<URL> others = certificate.getAlternates().stream()
                .distinct()
                .limit(MOST_CHAINS)
                .iterator();
        Set<String> ends = new LinkedHashSet<>();
        for (int i = 0; i < chains.size(); i++) {
            String end = ordered(chains.get(i)).end();
            if (issuer.equalsIgnoreCase(end)) {
                return chains.get(i);
            }
            ends.add(CaProblem.oneLine(end));
            while (others.hasNext() && chains.size() == i + 1) {
                alternate(others.next()).filter(this::isOurs).ifPresent(chains::add);
            }
        }
        Optional<List<X509Certificate>> through = chains.stream()
                .filter(chain -> ChainOrder.leadsTo(chain, issuer))
                .findFirst();
        if (through.isEmpty() && tools.chainMissed().compareAndSet(false, true)) {
            tools.events()
                    .publish(
                            EventKind.ADVICE,
                            session.ca() + " offers no chain of " + issuer
                                    + " (onDemandTls.acme.preferredChain); the server serves the first one. The chains it"
                                    + " offers end at: " + String.join(", ", ends));
        }
        return through.orElse(first);
    }

    private ChainOrder ordered(List<X509Certificate> sent) {
        return ChainOrder.of(sent, wanted.key().getPublic(), session.lastDate());
    }

    // A preference is no reason to go without: the first chain is there.
    private Optional<List<X509Certificate>> alternate(URL url) {
        session.endurance().bearLittle();
        try {
            Certificate other = login.bindCertificate(url);
            other.download();
            return Optional.of(other.getCertificateChain());
        } catch (AcmeException | AcmeProtocolException e) {
            return Optional.empty();
        }
    }

    private static Status status(JSON order) {
        return order.get("status").asStatus();
    }
}
