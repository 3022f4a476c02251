'use strict';

(() => {
  const API = 'api/v1/';
  const byId = id => document.getElementById(id);
  const GOOD = ['served', 'stored'];
  const BAD = ['refused', 'denied', 'expired', 'withdrawn'];
  const WHO = {you: 'you', customer: 'your customer', ca: 'the CA', nobody: 'nobody: wait'};
  let looking = 0;
  let following = 0;
  let obtaining = 0;
  let mayAct = true;

  async function ask(path, command, lines) {
    const answer = await fetch(API + path, command
      ? {method: 'POST', headers: {'X-OnDemand-TLS': 'page'}, credentials: 'same-origin', body: lines}
      : {credentials: 'same-origin'});
    const content = await answer.json();
    if (!answer.ok && content.error) {
      throw new Error(content.error);
    }
    return content;
  }

  function element(tag, text, className) {
    const made = document.createElement(tag);
    made.textContent = text;
    if (className) {
      made.className = className;
    }
    return made;
  }

  function tone(state) {
    return GOOD.includes(state) ? 'good' : BAD.includes(state) ? 'bad' : 'warn';
  }

  function say(text) {
    byId('message').textContent = text;
  }

  function moment(text) {
    return text ? text.replace('T', ' ').replace(/\.\d+Z$|Z$/, ' UTC') : '–';
  }

  function sentence(proof) {
    const from = proof.networks.length ? proof.networks.join(', ') : 'no network that was seen';
    return proof.challenge + ' was fetched from ' + from
      + (proof.missing.length ? '; missing beside the CA\'s last orders: ' + proof.missing.join(', ') + ' (a firewall?)' : '');
  }

  function show(report) {
    byId('report').hidden = false;
    byId('report-name').textContent = report.name;
    const state = byId('report-state');
    state.textContent = report.state;
    state.className = 'state ' + tone(report.state);
    byId('report-sentence').textContent = report.sentence;
    const details = byId('report-details');
    details.replaceChildren();
    const add = (label, value) => {
      if (value !== null && value !== undefined && value !== '') {
        details.append(element('dt', label), element('dd', String(value)));
      }
    };
    const certificate = report.certificate;
    if (certificate) {
      add('Names', certificate.names.join(', '));
      add('Obtained from', certificate.issuer);
      add('Signed by', certificate.signer);
      add('Valid', moment(certificate.notBefore) + ' to ' + moment(certificate.notAfter));
      add('Days left', certificate.daysLeft);
      add('Serial number', certificate.serial);
      add('Key', certificate.key);
    }
    add('In memory', report.inMemory ? 'yes' : 'no');
    add('In the store', report.inStore ? 'yes' : 'no');
    add('Last visit noted', report.lastVisit ? moment(report.lastVisit) : null);
    if (report.next) {
      add('Next step', report.next.what + ' at ' + moment(report.next.at) + ' (' + report.next.advice + ')');
    }
    if (report.lastRefusal) {
      add('Refused', report.lastRefusal.what);
      add('Who must act', WHO[report.lastRefusal.who]);
      add('Tried again from', report.lastRefusal.until ? moment(report.lastRefusal.until) : null);
      add('More', report.lastRefusal.link);
    }
    if (report.proof) {
      add('Last proof', moment(report.proof.at) + (report.proof.accepted ? ', accepted. ' : ', not accepted. ') + sentence(report.proof));
    }
    report.budgets.forEach(budget => {
      const value = document.createElement('dd');
      value.append(bar(budget));
      details.append(element('dt', 'Budget'), value);
    });
    byId('report-history').replaceChildren(
      ...report.history.map(one => element('li', moment(one.at) + ' ' + one.kind + ': ' + one.text)));
  }

  async function diagnose() {
    const name = byId('report-name').textContent;
    const mine = looking;
    say('Permission and DNS are asked …');
    try {
      const found = await ask('names/' + encodeURIComponent(name) + '/diagnosis');
      // Another name may have been looked up meanwhile.
      if (mine !== looking) {
        return;
      }
      byId('diagnosis').hidden = false;
      byId('diagnosis-sentence').textContent = found.sentence;
      byId('diagnosis-findings').replaceChildren(...found.findings.map(one =>
        element('li', (one.good ? 'good – ' : 'in the way – ') + one.what + ': ' + one.sentence
          + (one.good ? '' : ' To act: ' + WHO[one.who] + '.'), one.good ? 'good' : 'bad')));
      say('');
    } catch (error) {
      if (mine === looking) {
        say(error.message);
      }
    }
  }

  async function lookUp(name) {
    const mine = ++looking;
    following++;
    say('');
    byId('diagnosis').hidden = true;
    // Its buttons are those of the name before.
    byId('report').hidden = true;
    try {
      const report = await ask('names/' + encodeURIComponent(name));
      // An answer that was overtaken by another is about a name that nobody wants to see any more.
      if (mine === looking) {
        show(report);
      }
    } catch (error) {
      if (mine === looking) {
        byId('report').hidden = true;
        say(error.message);
      }
    }
  }

  // Shows the steps as they happen, for as long as an order may take.
  async function follow(name) {
    const mine = ++following;
    for (let second = 0; second < 100 && mine === following; second++) {
      const report = await ask('names/' + encodeURIComponent(name));
      if (mine !== following) {
        return;
      }
      show(report);
      if (second > 2 && !report.inFlight) {
        return;
      }
      await new Promise(resolve => setTimeout(resolve, 1000));
    }
  }

  async function act(command) {
    const name = byId('report-name').textContent;
    const grave = {withdraw: 'Stop serving ', revoke: 'Have the CA revoke the certificate of ', forget: 'Forget '}[command];
    if (grave && !window.confirm(grave + name + '?')) {
      return;
    }
    try {
      const path = 'names/' + encodeURIComponent(name) + '/' + command + (command === 'revoke' ? '?reason=' + encodeURIComponent(byId('reason').value) : '');
      const mine = looking;
      say((await ask(path, true)).sentence);
      if (mine === looking) {
        await follow(name);
      }
      await Promise.all([authorities(), expiry()]);
    } catch (error) {
      say(error.message);
    }
  }

  function row(report) {
    const line = document.createElement('tr');
    const cell = document.createElement('td');
    const link = element('button', report.name, 'link');
    link.type = 'button';
    link.addEventListener('click', () => {
      byId('name').value = report.name;
      lookUp(report.name);
      byId('lookup').focus();
    });
    cell.append(link);
    line.append(cell, element('td', report.state, tone(report.state)),
      element('td', report.certificate ? moment(report.certificate.notAfter) : '–'),
      element('td', (report.certificate && report.certificate.issuer) || '–'));
    return line;
  }

  function wantedNames() {
    const query = new URLSearchParams({prefix: byId('prefix').value, state: byId('state').value, limit: '50'});
    if (byId('days').value) {
      query.set('expiresWithinDays', byId('days').value);
    }
    for (const part of ['domain', 'ca', 'refusal']) {
      if (byId(part).value) {
        query.set(part, byId(part).value.trim());
      }
    }
    return query;
  }

  let next = '';
  let listed = new URLSearchParams();
  let listing = 0;
  // A page of the API ends in time, however few names it found: the list goes on by itself until a page of ours is full.
  async function list(more, rest = 20, until = 0) {
    const mine = ++listing;
    if (!more) {
      listed = wantedNames();
      // It goes on with the list before.
      byId('more').hidden = true;
    }
    // More of the same list, whatever stands in the form by now.
    const query = new URLSearchParams(listed);
    query.set('after', more ? next : '');
    try {
      const page = await ask('names?' + query);
      if (mine !== listing) {
        return;
      }
      const rows = page.names.map(row);
      if (more) {
        byId('names').append(...rows);
      } else {
        byId('names').replaceChildren(...rows);
      }
      next = page.next || '';
      byId('more').hidden = !page.next;
      const shown = byId('names').children.length;
      const full = until || shown - rows.length + 50;
      if (next && shown < full && rest > 0) {
        await list(true, rest - 1, full);
      }
    } catch (error) {
      if (mine === listing) {
        say(error.message);
      }
    }
  }

  async function pause(ca, resume) {
    try {
      say((await ask((resume ? 'resume' : 'pause') + '?what=' + encodeURIComponent('ca ' + ca), true)).sentence);
    } catch (error) {
      say(error.message);
    }
    await authorities();
  }

  const ACCOUNT = [
    ['rollover', 'New key', 'Give the account another key at '],
    ['deactivate', 'Deactivate', 'Close the account for good at '],
    ['register', 'Register', 'Make another account at ']];

  // Nothing of an account is undone, so each is asked for.
  async function account(ca, command, question) {
    if (!window.confirm(question + ca + '?')) {
      return;
    }
    try {
      say((await ask('account/' + command + '?ca=' + encodeURIComponent(ca), true)).sentence);
    } catch (error) {
      say(error.message);
    }
    await authorities();
  }

  function accountCell(ca) {
    const cell = document.createElement('td');
    if (!ca.hasAccount) {
      cell.textContent = '–';
      return cell;
    }
    cell.append(element('div', ca.account || 'not known yet'));
    if (!mayAct) {
      return cell;
    }
    const buttons = document.createElement('div');
    buttons.className = 'commands';
    ACCOUNT.forEach(([command, label, question]) => {
      const button = element('button', label, command === 'deactivate' ? 'grave' : '');
      button.type = 'button';
      button.dataset.account = command;
      button.setAttribute('aria-label', label + ': account at ' + ca.id);
      button.addEventListener('click', () => account(ca.id, command, question));
      buttons.append(button);
    });
    cell.append(buttons);
    return cell;
  }

  async function pauseWhat(command) {
    const what = byId('pause-what').value === 'all' ? 'all' : 'domain ' + byId('pause-domain').value.trim();
    if (command === 'pause' && !window.confirm('Pause issuing: ' + what + '?')) {
      return;
    }
    try {
      say((await ask(command + '?what=' + encodeURIComponent(what), true)).sentence);
      await server();
    } catch (error) {
      say(error.message);
    }
  }

  async function obtainAll() {
    try {
      const begun = (await ask('obtain', true, byId('obtain-names').value)).names;
      const lines = Object.entries(begun).map(([name, one]) => {
        const line = element('li', name + ': ' + one.sentence, one.done ? '' : 'bad');
        return {name, line, done: one.done};
      });
      byId('obtained').replaceChildren(...lines.map(one => one.line));
      await followAll(lines);
    } catch (error) {
      say(error.message);
    }
  }

  // Shows how far a list has got: a few of its names are asked for each second, until none is under way.
  async function followAll(lines) {
    const mine = ++obtaining;
    const left = lines.filter(one => one.done);
    byId('obtain-progress').textContent = '';
    for (let second = 0; second < 3600 && left.length && mine === obtaining; second++) {
      const asked = left.splice(0, 10);
      // What is not answered now is asked for again.
      const reports = await Promise.all(asked.map(one => ask('names/' + encodeURIComponent(one.name)).catch(() => null)));
      if (mine !== obtaining) {
        return;
      }
      reports.forEach((report, at) => {
        if (!report) {
          left.push(asked[at]);
          return;
        }
        asked[at].line.textContent = report.name + ': ' + report.sentence;
        asked[at].line.className = report.inFlight ? '' : tone(report.state);
        if (report.inFlight) {
          left.push(asked[at]);
        }
      });
      byId('obtain-progress').textContent = (lines.length - left.length) + ' of ' + lines.length + ' names are done.';
      await new Promise(resolve => setTimeout(resolve, 1000));
    }
  }

  async function confirmDenials() {
    if (window.confirm('Withdraw the names that are denied?')) {
      try {
        say((await ask('confirm-denials', true)).sentence);
      } catch (error) {
        say(error.message);
      }
    }
  }

  // How far a budget is used up, as a bar with its words.
  function bar(budget) {
    const line = document.createElement('div');
    const text = budget.budget + ': ' + budget.used + ' of ' + budget.most + ' in ' + budget.period
      + (budget.freeAt ? ', room again at ' + moment(budget.freeAt) : '');
    const meter = document.createElement('meter');
    meter.max = Math.max(1, budget.most);
    meter.value = budget.used;
    meter.setAttribute('aria-label', text);
    line.append(element('span', text), meter);
    return line;
  }

  let asked = 0;
  async function authorities() {
    const mine = ++asked;
    const all = (await ask('cas')).cas;
    // An answer that was overtaken by another says what was so before.
    if (mine !== asked) {
      return;
    }
    const choice = byId('ca');
    all.filter(ca => ![...choice.options].some(option => option.value === ca.id))
      .forEach(ca => choice.append(element('option', ca.id)));
    byId('cas').replaceChildren(...all.map(ca => {
      const line = document.createElement('tr');
      const name = element('th', ca.id);
      name.scope = 'row';
      const orders = Object.entries(ca.orders).map(([result, count]) => count + ' ' + result).join(', ');
      const cell = document.createElement('td');
      const button = element('button', ca.paused ? 'Resume' : 'Pause');
      button.type = 'button';
      button.setAttribute('aria-label', button.textContent + ' issuing from ' + ca.id);
      button.addEventListener('click', () => pause(ca.id, Boolean(ca.paused)));
      if (mayAct) {
        cell.append(button);
      }
      const steps = document.createElement('td');
      steps.append(...ca.steps.map(one => element('div', one.step + ' ' + one.p50Seconds + ' / ' + one.p90Seconds + ' / '
        + one.p99Seconds + ' s')));
      if (ca.vantage.last) {
        steps.append(element('div', 'looks from ' + ca.vantage.last + (ca.vantage.last === 1 ? ' network' : ' networks')
          + (ca.vantage.missing.length ? ', missing: ' + ca.vantage.missing.join(', ') : ''),
        ca.vantage.missing.length ? 'bad' : ''));
      }
      const budgets = document.createElement('td');
      budgets.append(...(ca.budgets || []).map(bar));
      line.append(name, element('td', ca.sentence, ca.well && !ca.paused ? 'good' : 'bad'), element('td', orders || '–'),
        element('td', ca.meanSeconds === null ? '–' : ca.meanSeconds.toFixed(1) + ' s'), steps, budgets, accountCell(ca), cell);
      return line;
    }));
  }

  async function expiry() {
    const days = (await ask('expiry')).days;
    const all = Object.values(days).reduce((sum, count) => sum + count, 0);
    // An object has its numbers first, whatever their order was.
    const rank = band => band === 'expired' ? -1 : band === 'more' ? Infinity : Number(band);
    const bands = Object.entries(days).sort(([one], [other]) => rank(one) < rank(other) ? -1 : 1);
    byId('expiry').replaceChildren(...bands.map(([band, count]) => {
      const line = document.createElement('tr');
      const label = band === 'more' || band === 'expired' ? band : 'at most ' + band;
      const head = element('th', label);
      head.scope = 'row';
      const share = document.createElement('td');
      const bar = document.createElement('meter');
      bar.max = Math.max(1, all);
      bar.value = count;
      bar.setAttribute('aria-label', label + ': ' + count + ' of ' + all);
      share.append(bar);
      line.append(head, element('td', String(count)), share);
      return line;
    }));
  }

  // The table is made anew: a button in it that has the keyboard's focus keeps it.
  async function refresh() {
    try {
      await Promise.all([server(), byId('cas').contains(document.activeElement) ? null : authorities()]);
    } catch (error) {
      say(error.message);
    }
  }

  // The address may be anybody's: what cannot be read is no name.
  function wantedName() {
    try {
      return decodeURIComponent(location.hash.slice(1));
    } catch (malformed) {
      return '';
    }
  }

  async function server() {
    const one = await ask('server');
    const paused = Object.keys(one.paused || {});
    byId('server').textContent = 'Version ' + one.version + ', store ' + one.store + (one.sharedStore ? ' (shared)' : '')
      + ', ' + one.inMemory + ' names in memory, ' + one.flights + ' being obtained, ' + one.parked + ' handshakes waiting'
      + (paused.length ? '; paused: ' + paused.join(', ') : '') + (one.storeError ? '; ' + one.storeError : '');
    byId('paused').textContent = one.storeError ? 'What is paused is not known: ' + one.storeError + '.'
      : paused.length ? 'Paused: ' + paused.join(', ') + '.' : 'Nothing is paused.';
    const details = {
      'Servers on the store': one.members === null ? 'not known: ' + one.storeError : one.members.length || 'this one alone',
      'Orders waiting': one.ordersQueued.visits + ' for visits, ' + one.ordersQueued.renewals + ' for renewals',
      'Questions to permission waiting': one.permissionQueue,
      'Handshakes waiting': one.parked + ' of ' + one.parkedLimit + ' at most',
      'Renewals under way': one.renewals,
      'Look at DNS': one.preflight,
      'Withdrawals': one.nothingWithdrawnUntil ? 'so many names are denied that none is withdrawn before '
        + moment(one.nothingWithdrawnUntil) : 'as names are denied',
      'Clock': moment(one.time) + (one.clockTrusted ? '' : ' (not trusted: it has jumped)'),
      'Bounds reached': Object.entries(one.overflows).map(([bound, count]) => bound + ' ' + count).join(', ') || 'none'};
    byId('server-details').replaceChildren(...Object.entries(details).flatMap(([label, value]) =>
      [element('dt', label), element('dd', String(value))]));
    byId('server-events').replaceChildren(...one.events.map(event =>
      element('li', moment(event.at) + ' ' + event.kind + ': ' + event.text)));
  }

  // Whoever may only look has no use for a button that is refused.
  async function role() {
    mayAct = (await ask('role')).mayAct;
    document.querySelectorAll('[data-acts], [data-command]').forEach(part => {
      part.hidden = !mayAct;
    });
  }

  async function overview() {
    try {
      await role();
      await Promise.all([server(), list(false), authorities(), expiry()]);
    } catch (error) {
      say(error.message);
    }
  }

  document.addEventListener('DOMContentLoaded', () => {
    byId('lookup-form').addEventListener('submit', event => {
      event.preventDefault();
      lookUp(byId('name').value.trim());
    });
    byId('names-form').addEventListener('submit', event => {
      event.preventDefault();
      list(false);
    });
    byId('diagnose').addEventListener('click', diagnose);
    byId('pause-form').addEventListener('submit', event => {
      event.preventDefault();
      pauseWhat(event.submitter ? event.submitter.dataset.pause : 'pause');
    });
    byId('obtain-form').addEventListener('submit', event => {
      event.preventDefault();
      obtainAll();
    });
    byId('confirm-denials').addEventListener('click', confirmDenials);
    byId('more').addEventListener('click', () => list(true));
    document.querySelectorAll('[data-command]').forEach(button =>
      button.addEventListener('click', () => act(button.dataset.command)));
    const wanted = wantedName();
    if (wanted.includes('.')) {
      byId('name').value = wanted;
      lookUp(wanted);
    }
    overview();
    setInterval(refresh, 10000);
  });
})();
