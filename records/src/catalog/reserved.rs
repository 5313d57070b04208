//! Words that admins may not use as names, so that they never stand in the way of the product: nouns of features to
//! come, and what the API already means by a word.

/// Objects may not take these, in the singular or in the plural; nor may the API need one of them for an object.
const OBJECTS: &str = "
    account accounts action actions activities activity actor actors agent agents aggregate aggregates alert alerts
    analyses analysis answer answers apiKey apiKeys appointment appointments archived article articles attachment
    attachments audience audiences audit audits automation automations backup backups basket baskets batch batches
    billableEntries billableEntry boolean bucket buckets bulk call calls campaign campaigns case cases caseType
    caseTypes catalog catalogs categories category change changes channel channels chat chats client clients column
    columns comment comments commit commits companies company condition conditions config configs connection
    connections consent consents contact contactPoint contactPoints contacts conversation conversations counter
    counters credential credentials currencies currency cursor cursors customer customers dashboard dashboards date
    dateTime decimal deliveries delivery document documents domain domains draft drafts duration edge edges email
    emails enum erasure erasures error errors event events exchangeRate exchangeRates export exports field fields file
    files filter filters float folder folders form forms formula formulas function functions goal goals group groups
    histories history id image images import imports inbox inboxes input inputs int int64 integration integrations
    interaction interactions interface invoice invoiceLine invoiceLines invoices item items job jobs json key keys
    knowledge knowledgeBase knowledgeBases label labels language languages link links list listMember listMembers
    lists log login logins logs media meeting meetings member members membership memberships merge merges message
    messages metric metrics migration migrations money mutation node nodes note notes notification notifications
    number numbers object objects operation operations operator operators option options order orderLine orderLines
    orders organisation organisations organization organizations owner owners page pageInfo pages payment payments
    people period periods permission permissions person persons phone phones plugin plugins portal portals preference
    preferences privacy product products profile profiles purchase purchases queries query queue queues quota quotas
    recipient recipients record records relation relations report reports request requests response responses
    restriction restrictions role roles rollup rollups rule rules run runs scalar scalars schedule schedules schema
    scope scopes search searches section sections segment segments sender senders sequence sequences session sessions
    setting settings share shares snapshot snapshots sort sorts source sources statistic statistics stats status
    statuses string strings subscription subscriptions suggestion suggestions suppression suppressions system systems
    tag tags task tasks team teams template templates tenant tenants text texts thread threads ticket tickets time
    timeline timelines token tokens transaction transactions translation translations trigger triggers type types undo
    unknown upload uploads url usage user users value values variable variables version versions view viewer viewers
    views visit visits webhook webhooks widget widgets work workflow workflows workspace workspaces";

/// Types and root fields of the API that are the same for everyone.
const SHARED: &str = "
    discardJob failedJob failedJobs retryJob
    removeSignOn setSignOn signOn signOnInput signOns
    apiKeyInput apiKeyScope apiKeyScopeInput issuedApiKey renewApiKey securityEvent securityEventKind securityLog
    constraint constraints constraintInput createConstraint deleteConstraint
    securityLogPage securitySettings securitySettingsInput updateSecuritySettings
    actor actorFilter actorInput actorKind aggregateOrderBy aggregateOrderKey appliesTo archivedMode booleanFilter bulkResult cancelImport cancelRun
    changeKind changesPage createApiKey createField createFieldInput createObject createObjectInput createSection
    createSectionInput countFilter dateFilter dateTimeFilter decimalFilter deleteField deleteObject deleteSection durationFilter
    emailFilter encryption exchangeRateInput fieldChange fieldInput fieldOption fieldOptionInput fieldState fieldType groupBucket
    historyConnection historyEntry historyPageInfo idFilter impact impacts importColumn importDuplicates
    importFormat importInput importPreview importReport importRow int64Filter intFilter inviteMember labelInput labels linkFilter linkInput linkObjectFilter linksInput listFilter me memberConnection mergeRecords moneyFilter moneyInput objectInput
    onDestroy operator optionFilter optionInput origin origins pageInfo period personalClass personalData phoneFilter
    relationInput relationKind removeExchangeRate removeMember reorderFields revokeApiKey rollupFunction rollupInput runConnection
    runStatus sectionInput setExchangeRate sortDirection startImport stringFilter textFilter undoReport undoRun
    undoSkipped updateField updateFieldInput updateObject updateObjectInput updateSection updateSectionInput
    validation validationInput validations viewer accessExplanation addToTeam changeMemberRole createRole createTeam
    deactivateMember deleteRole deleteTeam explainAccess fieldAccess fieldAccessExplanation namedFieldAccess
    namedFieldAccessInput objectAccess objectAccessInput operationAccess organisationMember organisationMembers
    reactivateMember removeFromTeam renameTeam roleInput rowScope objectScopes transferOwnership updateRole invitation invitations revokeInvitation resendInvitation";

/// Fields may not take these: names in filters, aggregates and answers.
const FIELDS: &str = "
    id version createdAt createdBy updatedAt updatedBy archivedAt owner and or not some none every count sum avg min max
    node nodes edges cursor pageInfo totalCount history timeline search score permissions access all filter orderBy
    groupBy first last after before data typename key keys measures";

/// Whether an admin's object may not be called this, nor be given it by the API.
pub fn is_reserved(name: &str) -> bool {
    listed(OBJECTS, name) || listed(SHARED, name)
}

/// Whether a field may not be called this.
pub(super) fn is_reserved_for_fields(name: &str) -> bool {
    listed(FIELDS, name)
}

fn listed(list: &str, name: &str) -> bool {
    list.split_whitespace().any(|word| word.eq_ignore_ascii_case(name))
}
