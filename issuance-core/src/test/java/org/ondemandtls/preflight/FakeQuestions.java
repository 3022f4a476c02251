package org.ondemandtls.preflight;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.ondemandtls.name.ClientBlock;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Name;
import org.xbill.DNS.Record;
import org.xbill.DNS.Type;

/** Answers from a few records in memory and keeps what was asked. */
final class FakeQuestions implements Questions {

    static final Look LOOK = new Look(ClientBlock.LOCAL, Long.MAX_VALUE);

    private final List<Record> records = new ArrayList<>();
    private final List<String> asked = new ArrayList<>();
    private final Set<String> unanswered = new HashSet<>();
    private Optional<Duration> kept = Optional.empty();

    FakeQuestions with(String name, String type, String data) {
        try {
            Name owner = Name.fromString(name + ".");
            records.add(Record.fromString(owner, Type.value(type), DClass.IN, 60, data, Name.root));
            return this;
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    FakeQuestions keptFor(Duration time) {
        kept = Optional.of(time);
        return this;
    }

    FakeQuestions neverAnswering(String type) {
        unanswered.add(type);
        return this;
    }

    @Override
    public Answer ask(Name name, int type, Look look) throws NoAnswerException {
        asked.add(Type.string(type) + " " + name.toString(true));
        if (unanswered.contains(Type.string(type))) {
            throw new NoAnswerException("no answer to " + Type.string(type));
        }
        boolean exists = records.stream().anyMatch(record -> record.getName().equals(name));
        List<Record> found = records.stream()
                .filter(record -> record.getName().equals(name) && record.getType() == type)
                .toList();
        return new Answer(exists, found, kept);
    }

    List<String> asked() {
        return asked;
    }
}
