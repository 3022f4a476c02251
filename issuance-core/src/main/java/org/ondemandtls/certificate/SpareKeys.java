package org.ondemandtls.certificate;

import java.security.KeyPair;
import java.security.PublicKey;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.Executor;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;

/** A supply that keeps a few pairs of each kind ready that some CA is to sign. Safe for use by many threads. */
public final class SpareKeys implements KeySupply {

    private final KeyType usual;
    private final Map<String, KeyType> ofCas;
    private final Map<KeyType, SpareKeyPairs> spares = new EnumMap<>(KeyType.class);

    /**
     * Makes an empty supply.
     *
     * @param usual the kind of key for every CA of which nothing else is said
     * @param ofCas the kinds of others, by {@code Authority.id()}
     * @param target how many of each kind to keep ready, at least 1
     * @param executor where they are made
     */
    public SpareKeys(KeyType usual, Map<String, KeyType> ofCas, int target, Executor executor) {
        this.usual = usual;
        this.ofCas = Map.copyOf(ofCas);
        spares.put(usual, new SpareKeyPairs(usual, target, executor));
        ofCas.values().forEach(type -> spares.computeIfAbsent(type, kind -> new SpareKeyPairs(kind, target, executor)));
    }

    @Override
    public KeyPair take(String issuer) {
        KeyType type = type(issuer);
        SpareKeyPairs pairs = spares.get(type);
        return pairs == null ? KeyPairs.generate(type) : pairs.take();
    }

    @Override
    public boolean fits(String issuer, PublicKey key) {
        return KeyPairs.isOf(type(issuer), key);
    }

    /** Has the supply filled up; returns at once. */
    public void refill() {
        spares.values().forEach(SpareKeyPairs::refill);
    }

    private KeyType type(String issuer) {
        return ofCas.getOrDefault(issuer, usual);
    }
}
